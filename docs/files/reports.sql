-- Reports of batch-cancel that a rule on its bus, with the source `batch-cancel`, and an Amazon Data Firehose stream with the *new
-- line delimiter* put into S3. Put your bucket in place of my-bucket.

CREATE EXTERNAL TABLE batch_cancel (
  id string,
  `time` string,
  detail_type string,
  account string,
  region string,
  resources array<string>,
  detail struct<
    version:string,
    `function`:string,
    requestedBy:string,
    requestId:string,
    source:string,
    dryRun:boolean,
    complete:boolean,
    selection:string,
    unread:array<struct<jobQueue:string,error:string>>,
    summary:map<string,int>,
    part:int,
    parts:int,
    requests:array<struct<messageId:string,action:string,reason:string,jobQueues:array<string>>>,
    more:int,
    jobs:array<struct<jobId:string,outcome:string,before:string,after:string,jobQueue:string,jobName:string,
      createdAt:string,statusReason:string,children:map<string,int>,askedAs:string,message:string>>,
    messageId:string,
    error:struct<type:string,message:string>
  >
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('mapping.detail_type' = 'detail-type')
LOCATION 's3://my-bucket/batch-cancel/';

-- The jobs that were ended, month by month, by whom and why.
SELECT substr("time", 1, 7) AS month, detail.requestedBy, element_at(detail.requests, 1).reason AS reason, count(*) AS jobs
FROM batch_cancel
CROSS JOIN UNNEST(detail.jobs)
  AS job (jobId, outcome, before, after, jobQueue, jobName, createdAt, statusReason, children, askedAs, message)
WHERE NOT detail.dryRun AND outcome IN ('cancelled', 'terminated')
GROUP BY 1, 2, 3
ORDER BY 1 DESC;
