"""One function for each architecture, with numpy in a layer of layerwright."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from layerwright_layer import LayerwrightLayer

CODE = "import numpy\n\ndef handler(event, context):\n    return numpy.__version__\n"

app = cdk.App()
stack = cdk.Stack(app, "Example")
runtime = lambda_.Runtime.PYTHON_3_13
for name, architecture in (("Arm64", lambda_.Architecture.ARM_64), ("X8664", lambda_.Architecture.X86_64)):
    numpy = LayerwrightLayer(stack, f"Numpy{name}", recipe="numpy", runtimes=[runtime], architecture=architecture)
    lambda_.Function(
        stack,
        f"On{name}",
        runtime=runtime,
        architecture=architecture,
        handler="index.handler",
        code=lambda_.Code.from_inline(CODE),
        layers=[numpy],
    )
app.synth()
