//go:build tools

// Package toolchain pins what `make toolchain` builds: the Pulumi engine.
package toolchain

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
