// Prints name and SHA-256 of every entry of a zip: a reader that shares no code with ours.
package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

func main() {
	reader, err := zip.OpenReader(os.Args[1])
	if err != nil {
		panic(err)
	}
	defer reader.Close()
	for _, file := range reader.File {
		stream, err := file.Open()
		if err != nil {
			panic(err)
		}
		digest := sha256.New()
		if _, err := io.Copy(digest, stream); err != nil {
			panic(err)
		}
		stream.Close()
		fmt.Printf("%s\t%x\n", file.Name, digest.Sum(nil))
	}
}
