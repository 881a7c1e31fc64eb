//go:build tools

// Package toolchain pins what `make toolchain` builds besides our language host: the Pulumi engine.
package toolchain

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
