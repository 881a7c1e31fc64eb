package main

import (
	"context"
	"os"
	"os/exec"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type pluginStream = grpc.ServerStreamingServer[pulumirpc.RunPluginResponse]

// RunPlugin runs a plugin that is written in Python and passes on what it prints, as it comes.
func (serving *host) RunPlugin(request *pulumirpc.RunPluginRequest, stream pluginStream) error {
	found, mistake := findInterpreter(request.GetInfo())
	if mistake != nil {
		return status.Error(codes.FailedPrecondition, mistake.Error())
	}
	command := pluginCommand(request, found)
	var turn sync.Mutex
	command.Stdout = &printer{&turn, stream, func(piece []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: piece}}
	}}
	command.Stderr = &printer{&turn, stream, func(piece []byte) *pulumirpc.RunPluginResponse {
		return &pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: piece}}
	}}
	plugin, err := serving.programs.start(command)
	if err != nil {
		return err
	}
	defer context.AfterFunc(stream.Context(), func() { serving.programs.stop(plugin) })()
	code, stopped := serving.programs.wait(plugin)
	if stopped {
		code = 0
	}
	return stream.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(code)},
	})
}

func pluginCommand(request *pulumirpc.RunPluginRequest, found interpreter) *exec.Cmd {
	base := request.GetEnv()
	if len(base) == 0 {
		base = os.Environ()
	}
	words := append([]string{"-u", request.GetInfo().GetProgramDirectory()}, request.GetArgs()...)
	command := exec.Command(found.python, words...)
	command.Dir = request.GetPwd()
	command.Env = found.environment(base).entries()
	return command
}

// printer sends to the engine what a plugin prints on one of its streams.
type printer struct {
	turn   *sync.Mutex // both streams share a call, which takes one message at a time
	stream pluginStream
	as     func(piece []byte) *pulumirpc.RunPluginResponse
}

func (to *printer) Write(piece []byte) (int, error) {
	to.turn.Lock()
	defer to.turn.Unlock()
	if err := to.stream.Send(to.as(piece)); err != nil {
		return 0, err
	}
	return len(piece), nil
}
