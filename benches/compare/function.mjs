// What a user would write instead: a function on the Node SDK. MODE says which.
import { BatchClient, CancelJobCommand, DescribeJobsCommand } from "@aws-sdk/client-batch";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import http from "node:http";
import https from "node:https";

const sockets = { keepAlive: true, maxSockets: 32 };
const client = new BatchClient({
  requestHandler: new NodeHttpHandler({ httpAgent: new http.Agent(sockets), httpsAgent: new https.Agent(sockets) }),
});
const describe = (jobs) => client.send(new DescribeJobsCommand({ jobs }));
const cancel = (jobId) =>
  client.send(new CancelJobCommand({ jobId, reason: "benchmark" })).then(() => null, (error) => String(error));

async function handle({ jobIds }) {
  switch (process.env.MODE) {
    case "describe":
      return (await describe(jobIds)).jobs[0].status;
    case "full":
      await describe(jobIds);
      await cancel(jobIds[0]);
      return (await describe(jobIds)).jobs[0].status;
    case "serial":
      for (const id of jobIds) await cancel(id);
      return null;
    default: {
      let next = 0;
      const worker = async () => {
        while (next < jobIds.length) await cancel(jobIds[next++]);
      };
      await Promise.all(Array.from({ length: 32 }, worker));
      return null;
    }
  }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const call = (method, path, body) =>
  new Promise((resolve, reject) => {
    const request = http.request({ agent, host, port, method, path: `/2018-06-01/runtime/invocation/${path}` }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
for (;;) {
  const { headers, body } = await call("GET", "next");
  const result = await handle(JSON.parse(body));
  await call("POST", `${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(result));
}
