# A stack of batch-cancel from the files of a release, which are in the folder release/. Not run by the tests of this repository.
# The bucket must be in the region of the function.

resource "aws_s3_object" "code" {
  for_each = toset(["batch-cancel-0.3.0-x86_64.zip", "template-expanded.yaml"])
  bucket   = "my-code-eu-west-1"
  key      = each.key
  source   = "${path.module}/release/${each.key}"
  etag     = filemd5("${path.module}/release/${each.key}")
}

resource "aws_cloudformation_stack" "batch_cancel" {
  name         = "batch-cancel"
  capabilities = ["CAPABILITY_IAM"]
  template_url = "https://my-code-eu-west-1.s3.eu-west-1.amazonaws.com/template-expanded.yaml"
  parameters   = { CodeBucket = "my-code-eu-west-1", AllowedJobQueues = "render", DryRun = "true" }
  depends_on   = [aws_s3_object.code]
}
