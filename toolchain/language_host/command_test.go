package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

var (
	started = settings{executor: "/host/exec", engineAddress: "127.0.0.1:1"}
	python  = interpreter{python: "/python"}
)

func TestEverythingTheEngineAsksForIsPassedOn(t *testing.T) {
	request := &pulumirpc.RunRequest{
		Project:        "hello",
		Stack:          "dev",
		Pwd:            "/program",
		MonitorAddress: "127.0.0.1:2",
		DryRun:         true,
		Parallel:       8,
		Organization:   "us",
		Args:           []string{"more"},
		Info:           &pulumirpc.ProgramInfo{RootDirectory: "/root", ProgramDirectory: "/program", EntryPoint: "main.py"},
	}
	given := started
	given.tracing = "file:trace"
	words := programCommand(request, given, python, nil).Args
	if !slices.Equal(words[:3], []string{"/python", "-u", "/host/exec"}) {
		t.Error(words)
	}
	if !slices.Equal(words[len(words)-2:], []string{"main.py", "more"}) {
		t.Error(words)
	}
	options := map[string]string{}
	for pair := range slices.Chunk(words[3:len(words)-2], 2) {
		options[pair[0]] = pair[1]
	}
	if !maps.Equal(options, map[string]string{
		"--monitor":        "127.0.0.1:2",
		"--engine":         "127.0.0.1:1",
		"--project":        "hello",
		"--root_directory": "/root",
		"--stack":          "dev",
		"--pwd":            "/program",
		"--dry_run":        "true",
		"--parallel":       "8",
		"--tracing":        "file:trace",
		"--organization":   "us",
	}) {
		t.Error(options)
	}
}

func TestAnUpdateIsNoDryRun(t *testing.T) {
	words := programCommand(&pulumirpc.RunRequest{}, started, python, nil).Args
	expected := []string{"/python", "-u", "/host/exec", "--engine", "127.0.0.1:1", "--dry_run", "false", "--parallel", "0", "."}
	if !slices.Equal(words, expected) {
		t.Error(words)
	}
}

func TestConfigurationGoesThroughTheEnvironmentAndNeverTheCommandLine(t *testing.T) {
	config := map[string]string{"hello:password": "marker ü 𝄞 <&>"}
	request := &pulumirpc.RunRequest{Config: config, ConfigSecretKeys: []string{"hello:password"}}
	command := programCommand(request, started, python, []string{"HOME=/home"})
	if strings.Contains(strings.Join(command.Args, " "), "marker") {
		t.Error(command.Args)
	}
	variables := newEnvironment(command.Env)
	if variables["HOME"] != "/home" {
		t.Error(variables)
	}
	for _, letter := range variables["PULUMI_CONFIG"] {
		if letter > '~' {
			t.Errorf("depends on the program's locale: %c", letter)
		}
	}
	expectJSON(t, variables["PULUMI_CONFIG"], config)
	expectJSON(t, variables["PULUMI_CONFIG_SECRET_KEYS"], []string{"hello:password"})
}

func TestNoConfigurationIsEmptyAndNotNull(t *testing.T) {
	variables := newEnvironment(programCommand(&pulumirpc.RunRequest{}, started, python, nil).Env)
	expectJSON(t, variables["PULUMI_CONFIG"], map[string]string{})
	expectJSON(t, variables["PULUMI_CONFIG_SECRET_KEYS"], []string{})
}

func expectJSON[T any](t *testing.T, text string, expected T) {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil || !reflect.DeepEqual(value, expected) {
		t.Errorf("%s: %v", text, err)
	}
}
