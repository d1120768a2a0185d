// An external extension that writes a line for each invocation, and one when the environment ends. It shows all that an
// extension in Go needs: nothing but the standard library
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// version is set by the recipe.
var version = "unknown"

// event is what Lambda tells an extension.
type event struct {
	EventType      string `json:"eventType"`
	RequestID      string `json:"requestId,omitempty"`
	ShutdownReason string `json:"shutdownReason,omitempty"`
}

// line is what this extension writes to the function's log.
type line struct {
	Extension string `json:"extension"`
	Version   string `json:"version"`
	Event     string `json:"event"`
	RequestID string `json:"requestId,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

func main() {
	// Lambda knows an extension by the name of its file.
	name := filepath.Base(os.Args[0])
	if err := run(name); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

func run(name string) error {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension"
	id, err := register(api, name)
	if err != nil {
		return err
	}
	log := json.NewEncoder(os.Stdout)
	for {
		next, err := wait(api, id)
		if err != nil {
			return err
		}
		said := line{Extension: name, Version: version, RequestID: next.RequestID, Reason: next.ShutdownReason}
		said.Event = "invoke"
		if next.EventType == "SHUTDOWN" {
			said.Event = "shutdown"
		}
		if err := log.Encode(said); err != nil || next.EventType == "SHUTDOWN" {
			return err
		}
	}
}

// register returns the identifier of this extension.
func register(api, name string) (string, error) {
	body := bytes.NewBufferString(`{"events": ["INVOKE", "SHUTDOWN"]}`)
	request, err := http.NewRequest(http.MethodPost, api+"/register", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Lambda-Extension-Name", name)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", errors.New("could not register: " + answer.Status)
	}
	return answer.Header.Get("Lambda-Extension-Identifier"), nil
}

// wait blocks until the next event. Lambda freezes the environment meanwhile, so it has no time limit.
func wait(api, id string) (event, error) {
	var next event
	request, err := http.NewRequest(http.MethodGet, api+"/event/next", nil)
	if err != nil {
		return next, err
	}
	request.Header.Set("Lambda-Extension-Identifier", id)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return next, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return next, errors.New("no event: " + answer.Status)
	}
	return next, json.NewDecoder(answer.Body).Decode(&next)
}
