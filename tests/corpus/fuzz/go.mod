module example.com/m

go 1.22.1

toolchain go1.23.0

require (
	example.com/a v1.0.0
	example.com/b/v2 v2.1.0-pre // indirect
)

replace example.com/a => ./a

exclude example.com/c v1.0.0
retract [v0.1.0, v0.2.0]
