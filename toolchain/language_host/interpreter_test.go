package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// program returns the description of a program in root, with runtime.options of its Pulumi.yaml.
func program(t *testing.T, root string, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	given, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: root, Options: given}
}

func makePython(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
}

func expectInterpreter(t *testing.T, info *pulumirpc.ProgramInfo, expected interpreter) {
	t.Helper()
	if found, err := findInterpreter(info); err != nil || found != expected {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestTheVirtualEnvironmentIsRelativeToTheProject(t *testing.T) {
	root := t.TempDir()
	makePython(t, root+"/venv/bin/python")
	for _, folder := range []string{"venv", "./venv", "venv/", root + "/venv"} {
		options := map[string]any{"virtualenv": folder, "toolchain": "pip"}
		expectInterpreter(t, program(t, root, options), interpreter{root + "/venv/bin/python", root + "/venv"})
	}
}

func TestTheFolderAboveALinkIsTheSystems(t *testing.T) {
	root := t.TempDir()
	makePython(t, root+"/elsewhere/venv/bin/python")
	for _, failed := range []error{
		os.Mkdir(root+"/elsewhere/project", 0o755),
		os.Symlink(root+"/elsewhere/project", root+"/link"),
	} {
		if failed != nil {
			t.Fatal(failed)
		}
	}
	venv := root + "/link/../venv"
	expectInterpreter(t, program(t, root+"/link", map[string]any{"virtualenv": "../venv"}),
		interpreter{venv + "/bin/python", venv})
}

func TestWithoutOneItIsThePythonOnPath(t *testing.T) {
	folder := t.TempDir()
	makePython(t, folder+"/python3")
	t.Setenv("PATH", folder+":/nowhere")
	for _, options := range []map[string]any{nil, {"virtualenv": ""}} {
		expectInterpreter(t, program(t, "/", options), interpreter{python: folder + "/python3"})
	}
}

func TestThePythonCommandMayBeNamed(t *testing.T) {
	folder := t.TempDir()
	makePython(t, folder+"/python9")
	t.Setenv("PATH", folder)
	t.Setenv("PULUMI_PYTHON_CMD", "python9")
	expectInterpreter(t, program(t, "/", nil), interpreter{python: folder + "/python9"})
}

func TestAVirtualEnvironmentIsActivated(t *testing.T) {
	found := interpreter{"/venv/bin/python", "/venv"}
	for _, each := range []struct {
		base     []string
		expected environment
	}{
		{
			[]string{"PATH=/usr/bin", "PYTHONHOME=/x", "A=b=c"},
			environment{"PATH": "/venv/bin:/usr/bin", "VIRTUAL_ENV": "/venv", "A": "b=c"},
		},
		{nil, environment{"PATH": "/venv/bin:/bin:/usr/bin", "VIRTUAL_ENV": "/venv"}},
	} {
		if made := found.environment(each.base); !maps.Equal(made, each.expected) {
			t.Errorf("%v became %v", each.base, made)
		}
	}
}

func TestWithoutAVirtualEnvironmentNothingIsActivated(t *testing.T) {
	made := interpreter{python: "/python"}.environment([]string{"PATH=/bin", "PYTHONHOME=/x"})
	if !maps.Equal(made, environment{"PATH": "/bin", "PYTHONHOME": "/x"}) {
		t.Error(made)
	}
}

func TestAMistakeIsToldWithItsPlace(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	const place = "Pulumi.yaml: runtime.options."
	for _, each := range []struct {
		options map[string]any
		message string
	}{
		{map[string]any{"virtualenv": "venv"}, place + "virtualenv: venv holds no Python; run `make setup`"},
		{map[string]any{"virtualenv": 3}, place + "virtualenv: expected a text, not 3"},
		{map[string]any{"virtualenv": nil}, place + "virtualenv: expected a text, not null"},
		{map[string]any{"toolchain": []any{"pip"}}, place + `toolchain: expected a text, not ["pip"]`},
		{map[string]any{"toolchain": "uv"}, place + "toolchain: expected pip, not uv"},
		{map[string]any{"toolchain": ""}, place + "toolchain: expected pip, not "},
		{map[string]any{"typechecker": "mypy"}, place + "typechecker: this language host knows only virtualenv"},
		{nil, "there is no python3 on PATH to run the program with"},
	} {
		if _, err := findInterpreter(program(t, t.TempDir(), each.options)); err == nil || err.Error() != each.message {
			t.Errorf("%v: %v", each.options, err)
		}
	}
}
