package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/sys/unix"
)

// interpreter is a Python, and the virtual environment it belongs to, if it does.
type interpreter struct {
	python     string
	virtualenv string
}

// environment returns what programs of this Python run with.
func (found interpreter) environment(entries []string) environment {
	variables := newEnvironment(entries)
	if found.virtualenv != "" {
		variables.activate(found.virtualenv)
	}
	return variables
}

// findInterpreter returns the Python that runtime.options of Pulumi.yaml asks for. An error is something in the user's
// hands, told in one sentence.
func findInterpreter(info *pulumirpc.ProgramInfo) (interpreter, error) {
	options := info.GetOptions().AsMap()
	if err := checkOptions(options); err != nil {
		return interpreter{}, err
	}
	folder, _ := options["virtualenv"].(string)
	if folder == "" {
		python, err := pythonOnPath()
		return interpreter{python: python}, err
	}
	virtualenv := within(info.GetRootDirectory(), folder)
	python := virtualenv + "/bin/python"
	if unix.Access(python, unix.X_OK) != nil {
		return interpreter{}, optionMistake("virtualenv", "%s holds no Python; run `make setup`", folder)
	}
	return interpreter{python, virtualenv}, nil
}

func checkOptions(options map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if name != "virtualenv" && name != "toolchain" {
			return optionMistake(name, "this language host knows only virtualenv")
		}
		if _, isText := options[name].(string); !isText {
			value, err := json.Marshal(options[name])
			if err != nil {
				return err
			}
			return optionMistake(name, "expected a text, not %s", value)
		}
	}
	if toolchain, given := options["toolchain"]; given && toolchain != "pip" {
		return optionMistake("toolchain", "expected pip, not %s", toolchain)
	}
	return nil
}

func optionMistake(name, what string, values ...any) error {
	return fmt.Errorf("Pulumi.yaml: runtime.options.%s: %s", name, fmt.Sprintf(what, values...))
}

// within returns a folder that is given relative to root, or absolute. Its ".." are left to the system: the folder
// before one may be a link.
func within(root, folder string) string {
	if path.IsAbs(folder) {
		root = ""
	}
	whole := strings.TrimSuffix(root, "/")
	for part := range strings.SplitSeq(folder, "/") {
		if part != "" && part != "." {
			whole += "/" + part
		}
	}
	return whole
}

func pythonOnPath() (string, error) {
	wanted := os.Getenv("PULUMI_PYTHON_CMD")
	if wanted == "" {
		wanted = "python3"
	}
	found, err := exec.LookPath(wanted)
	if err != nil {
		return "", fmt.Errorf("there is no %s on PATH to run the program with", wanted)
	}
	return found, nil
}
