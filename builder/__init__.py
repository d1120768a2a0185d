"""layerwright: AWS Lambda layers with native code, from a short recipe to an upload-ready zip."""

__version__ = "0.1.0"
