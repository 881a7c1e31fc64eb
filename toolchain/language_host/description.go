package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// nameItself needs no more than Python's core: the engine asks for it at every update.
const nameItself = `import sys; print(sys.executable, sys.version.split()[0], sep="\n")`

//go:embed packages.py
var listPackages string

// installed is a package of a Python, and whether another package asks for it.
type installed struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	AskedFor bool   `json:"asked_for"`
}

// itself returns the path of the Python as the Python sees it, and its version.
func (found interpreter) itself(ctx context.Context) (executable, version string, err error) {
	answer, err := found.answer(ctx, "-I", "-S", "-c", nameItself)
	executable, version, _ = strings.Cut(strings.TrimSpace(answer), "\n")
	return executable, version, err
}

// packages returns what is installed where the Python finds it.
func (found interpreter) packages(ctx context.Context) ([]installed, error) {
	var packages []installed
	answer, err := found.answer(ctx, "-I", "-c", listPackages)
	if err == nil {
		err = json.Unmarshal([]byte(answer), &packages)
	}
	return packages, err
}

func (found interpreter) answer(ctx context.Context, words ...string) (string, error) {
	var output, errors bytes.Buffer
	command := exec.CommandContext(ctx, found.python, words...)
	command.Stdout, command.Stderr = &output, &errors
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s does not run: %s", found.python, strings.TrimSpace(errors.String()))
	}
	return output.String(), nil
}
