module log-requests

go 1.15
