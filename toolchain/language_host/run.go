package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// alreadyTold is the exit code of Pulumi's executor when the user has seen what was wrong.
	alreadyTold = 32
	// hearing is what the engine has to take a message.
	hearing = 5 * time.Second
)

// Run runs the program to its end, or until the engine gives up the call; what the program prints goes to the engine
// through the host's own output.
func (serving *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	found, mistake := findInterpreter(request.GetInfo())
	if request.GetAttachDebugger() {
		mistake = errors.New("this language host attaches no debugger; Pulumi's official installation does")
	}
	if mistake != nil {
		return &pulumirpc.RunResponse{Bail: true}, serving.tell(ctx, mistake)
	}
	given := serving.settings
	given.engineAddress = serving.engineAddress.Load().(string)
	command := programCommand(request, given, found, os.Environ())
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	program, err := serving.programs.start(command)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { serving.programs.stop(program) })()
	return verdict(serving.programs.wait(program)), nil
}

// verdict says how a program ended.
func verdict(code int, stopped bool) *pulumirpc.RunResponse {
	switch {
	case stopped || code == alreadyTold:
		return &pulumirpc.RunResponse{Bail: true}
	case code < 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program was ended by signal %d", -code)}
	case code > 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program exited with code %d", code)}
	}
	return &pulumirpc.RunResponse{}
}

// tell shows the user a mistake, as an error of the engine's.
func (serving *host) tell(ctx context.Context, mistake error) error {
	address := serving.engineAddress.Load().(string)
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, done := context.WithTimeout(ctx, hearing)
	defer done()
	message := &pulumirpc.LogRequest{Severity: pulumirpc.LogSeverity_ERROR, Message: mistake.Error()}
	_, err = pulumirpc.NewEngineClient(connection).Log(ctx, message)
	return err
}
