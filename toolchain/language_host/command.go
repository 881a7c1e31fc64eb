package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// programCommand returns what carries out a request: Pulumi's executor with what the engine asked for, in the
// environment base. Configuration goes through the environment, where other users do not see it.
func programCommand(request *pulumirpc.RunRequest, given settings, found interpreter, base []string) *exec.Cmd {
	words := []string{"-u", given.executor}
	for _, option := range [][2]string{
		{"--monitor", request.GetMonitorAddress()},
		{"--engine", given.engineAddress},
		{"--project", request.GetProject()},
		{"--root_directory", request.GetInfo().GetRootDirectory()},
		{"--stack", request.GetStack()},
		{"--pwd", request.GetPwd()},
		{"--dry_run", strconv.FormatBool(request.GetDryRun())},
		{"--parallel", strconv.Itoa(int(request.GetParallel()))},
		{"--tracing", given.tracing},
		{"--organization", request.GetOrganization()},
	} {
		if option[1] != "" {
			words = append(words, option[:]...)
		}
	}
	entry := request.GetInfo().GetEntryPoint()
	if entry == "" {
		entry = "."
	}
	command := exec.Command(found.python, append(append(words, entry), request.GetArgs()...)...)
	variables := found.environment(base)
	config, secret := map[string]string{}, []string{} // which JSON would call null if there were none
	maps.Copy(config, request.GetConfig())
	variables["PULUMI_CONFIG"] = asciiJSON(config)
	variables["PULUMI_CONFIG_SECRET_KEYS"] = asciiJSON(append(secret, request.GetConfigSecretKeys()...))
	command.Env = variables.entries()
	return command
}

// asciiJSON returns JSON that a Python reads the same from its environment whatever the locale.
func asciiJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts can be said in JSON
	}
	var ascii bytes.Buffer
	for _, letter := range string(text) {
		if letter < utf8.RuneSelf {
			ascii.WriteRune(letter)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, letter) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return ascii.String()
}
