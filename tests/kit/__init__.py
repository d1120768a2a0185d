"""What several tests need: wheels and indexes made on the spot, recipes, and the command line."""
