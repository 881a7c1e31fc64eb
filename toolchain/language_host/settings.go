package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// executorName is the file of Pulumi's SDK that runs a program; it lies beside the host.
const executorName = "pulumi-language-python-exec"

// settings is what the host was started with.
type settings struct {
	executor      string
	engineAddress string
	tracing       string
}

// readSettings reads the command line and finds the executor.
func readSettings(arguments []string) (settings, error) {
	given := parseArguments(arguments)
	host, err := os.Executable()
	if err != nil {
		return given, err
	}
	given.executor = filepath.Join(filepath.Dir(host), executorName)
	if file, err := os.Stat(given.executor); err != nil || !file.Mode().IsRegular() {
		return given, fmt.Errorf("there is no %s: run `make toolchain`", given.executor)
	}
	return given, nil
}

// parseArguments takes what the host needs; other flags, which engines have for other hosts, mean nothing here.
func parseArguments(arguments []string) settings {
	var given settings
	for i := 0; i < len(arguments); i++ {
		word := arguments[i]
		if value, joined := strings.CutPrefix(word, "--tracing="); joined {
			given.tracing = value
		} else if word == "--tracing" && i+1 < len(arguments) {
			i++
			given.tracing = arguments[i]
		} else if !strings.HasPrefix(word, "-") && given.engineAddress == "" {
			given.engineAddress = word
		}
	}
	return given
}
