// Prints number, name (in hexadecimal) and SHA-256 of every entry of each zip, or number, "!" and the error.
// A reader that shares no code with ours.
package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
)

func rows(number int, path string) (string, error) {
	reader, err := zip.OpenReader(path)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	var out strings.Builder
	for _, file := range reader.File {
		stream, err := file.Open()
		if err != nil {
			return "", err
		}
		digest := sha256.New()
		if _, err := io.Copy(digest, stream); err != nil {
			return "", err
		}
		stream.Close()
		fmt.Fprintf(&out, "%d\t%x\t%x\n", number, file.Name, digest.Sum(nil))
	}
	return out.String(), nil
}

func main() {
	for number, path := range os.Args[1:] {
		out, err := rows(number, path)
		if err != nil {
			out = fmt.Sprintf("%d\t!\t%s\n", number, strings.ReplaceAll(err.Error(), "\n", " "))
		}
		fmt.Print(out)
	}
}
