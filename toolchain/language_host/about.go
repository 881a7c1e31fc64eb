package main

import (
	"context"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// About names the Python that runs programs.
func (serving *host) About(ctx context.Context, request *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	found, mistake := findInterpreter(request.GetInfo())
	if mistake != nil {
		return nil, status.Error(codes.FailedPrecondition, mistake.Error())
	}
	executable, version, err := found.itself(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &pulumirpc.AboutResponse{Executable: executable, Version: version}, nil
}

// GetProgramDependencies lists the packages of the program's Python; without the transitive ones unless asked for.
func (serving *host) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	found, mistake := findInterpreter(request.GetInfo())
	if mistake != nil {
		return nil, status.Error(codes.FailedPrecondition, mistake.Error())
	}
	packages, err := found.packages(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	answer := &pulumirpc.GetProgramDependenciesResponse{}
	for _, each := range packages {
		if request.GetTransitiveDependencies() || !each.AskedFor {
			wanted := &pulumirpc.DependencyInfo{Name: each.Name, Version: each.Version}
			answer.Dependencies = append(answer.Dependencies, wanted)
		}
	}
	return answer, nil
}
