package main

import "strings"

// environment is the variables of a process.
type environment map[string]string

func newEnvironment(entries []string) environment {
	variables := environment{}
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok {
			variables[name] = value
		}
	}
	return variables
}

// entries returns the form that processes are started with.
func (variables environment) entries() []string {
	entries := make([]string, 0, len(variables))
	for name, value := range variables {
		entries = append(entries, name+"="+value)
	}
	return entries
}

// activate makes the variables what they are after the activation of a virtual environment.
func (variables environment) activate(virtualenv string) {
	path, ok := variables["PATH"]
	if !ok {
		path = "/bin:/usr/bin"
	}
	variables["VIRTUAL_ENV"] = virtualenv
	variables["PATH"] = virtualenv + "/bin:" + path
	delete(variables, "PYTHONHOME")
}
