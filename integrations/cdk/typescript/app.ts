import * as cdk from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { LayerwrightLayer } from "./layerwright-layer";

const app = new cdk.App();
const stack = new cdk.Stack(app, "Example");

for (const [id, architecture] of [
  ["Arm64", lambda.Architecture.ARM_64],
  ["X8664", lambda.Architecture.X86_64],
] as const) {
  const runtime = lambda.Runtime.PYTHON_3_13;
  const numpy = new LayerwrightLayer(stack, `Numpy${id}`, { recipe: "numpy", runtimes: [runtime], architecture });
  new lambda.Function(stack, `On${id}`, {
    runtime,
    architecture,
    handler: "index.handler",
    code: lambda.Code.fromInline("import numpy\n\ndef handler(event, context):\n    return numpy.__version__\n"),
    layers: [numpy],
  });
}
