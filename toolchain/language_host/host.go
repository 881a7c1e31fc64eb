package main

import (
	"context"
	"runtime/debug"
	"strings"
	"sync/atomic"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// sdk is the Go module whose protocol is spoken here; the Python SDK of requirements.txt has the same version.
const sdk = "github.com/pulumi/pulumi/sdk/v3"

// host answers the engine's questions about Python programs and runs them; it serves one engine.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	settings      settings
	programs      *children
	engineAddress atomic.Value // a string: where the engine can be told things
}

func newHost(given settings, programs *children) *host {
	serving := &host{settings: given, programs: programs}
	serving.engineAddress.Store(given.engineAddress)
	return serving
}

// Handshake keeps the address at which the engine can be told things.
func (serving *host) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	if address := request.GetEngineAddress(); address != "" {
		serving.engineAddress.Store(address)
	}
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo returns the version of the SDK whose protocol is spoken here.
func (serving *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, module := range built.Deps {
			if module.Path == sdk {
				return &pulumirpc.PluginInfo{Version: strings.TrimPrefix(module.Version, "v")}, nil
			}
		}
	}
	return nil, status.Error(codes.Internal, "this language host does not know what it was built from")
}

// GetRequiredPackages requires nothing ahead: the engine finds a plugin when a program first uses it, and none beyond.
func (serving *host) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// GetRequiredPlugins requires nothing ahead, for engines that do not know packages.
func (serving *host) GetRequiredPlugins(
	context.Context, *pulumirpc.GetRequiredPluginsRequest,
) (*pulumirpc.GetRequiredPluginsResponse, error) {
	return &pulumirpc.GetRequiredPluginsResponse{}, nil
}

// InstallDependencies leaves it to `make setup`, which obeys the pinned hashes.
func (serving *host) InstallDependencies(
	*pulumirpc.InstallDependenciesRequest, grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	return status.Error(codes.FailedPrecondition, "packages are installed by `make setup`")
}

// Cancel ends what is running; the engine waits for the resources in flight by itself.
func (serving *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	go serving.programs.cancel()
	return &emptypb.Empty{}, nil
}
