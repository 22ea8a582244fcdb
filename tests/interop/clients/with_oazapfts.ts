// Sends what `told` says with the client that oazapfts made, and prints what it read of the answers. The compiler holds
// `told` against the types of the client: a field that they lack is an error.
import * as api from "./batch_cancel_client.js";
import { told } from "./told.js";

api.defaults.baseUrl = told.url;

function outcomes(report: api.Report) {
    return Object.fromEntries(report.jobs.map((job) => [job.jobId, job.outcome]));
}

async function page(more: { nextToken?: string } = {}) {
    const found = await api.listJobs("render", { ...told.page, ...more });
    return [found.jobs.map((job) => job.jobId), found.nextToken ?? null] as const;
}

const first = await page();
const second = await page({ nextToken: first[1] ?? undefined });
const deleted = await api.cancelJob(...told.delete);
const queue = await api.showQueue("render");
const requests = [];
for (const request of told.requests) {
    requests.push(outcomes(await api.cancelJobs(request)));
}
console.log(
    JSON.stringify({
        requests,
        pages: [first, second],
        deleted: [deleted.jobId, deleted.outcome],
        queue: [queue.state, queue.jobs, queue.head?.jobId, queue.head?.code],
    }),
);
