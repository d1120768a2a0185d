"""From files to a checked zip. Works on layers of any origin and executes nothing in them."""
