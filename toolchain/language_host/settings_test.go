package main

import (
	"strings"
	"testing"
)

func TestArgumentsOfTheEngine(t *testing.T) {
	for line, expected := range map[string]settings{
		"":                               {},
		"127.0.0.1:1":                    {engineAddress: "127.0.0.1:1"},
		"--tracing file:x 127.0.0.1:1":   {engineAddress: "127.0.0.1:1", tracing: "file:x"},
		"--tracing=file:x 127.0.0.1:1":   {engineAddress: "127.0.0.1:1", tracing: "file:x"},
		"--logtostderr -v=9 127.0.0.1:1": {engineAddress: "127.0.0.1:1"},
		"127.0.0.1:1 --of-another-host 127.0.0.1:2": {engineAddress: "127.0.0.1:1"},
	} {
		if given := parseArguments(strings.Fields(line)); given != expected {
			t.Errorf("%q: %+v", line, given)
		}
	}
}
