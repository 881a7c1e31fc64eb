// Command pulumi-language-python is a Pulumi language host for Python: what stands between Pulumi's engine and a Python
// program. The official one comes with Pulumi's installer; this one serves where only the engine can be built.
//
// Like Pulumi's own, it serves the engine that starts it, prints its port as the first line, and leaves when the engine
// says so or is gone.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

const (
	// messageSize is in bytes, and what the engine itself allows.
	messageSize = 400 << 20
	// grace is what calls have to end once their programs have.
	grace = 500 * time.Millisecond
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until it is time to leave, and takes the programs along.
func run(arguments []string) error {
	leave := make(chan os.Signal, 1)
	signal.Notify(leave, syscall.SIGINT, syscall.SIGTERM)
	settings, err := readSettings(arguments)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	programs := newChildren()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(messageSize), grpc.MaxSendMsgSize(messageSize))
	pulumirpc.RegisterLanguageRuntimeServer(server, newHost(settings, programs))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	select {
	case err = <-failed:
	case <-leave:
	case <-engineGone():
	}
	programs.leave()
	time.AfterFunc(grace, server.Stop)
	server.GracefulStop()
	return err
}

// engineGone is closed when the pipe from the engine ends, which is how its death shows.
func engineGone() <-chan struct{} {
	gone := make(chan struct{})
	if input, err := os.Stdin.Stat(); err == nil && input.Mode()&os.ModeNamedPipe != 0 {
		go func() {
			defer close(gone)
			for buffer := make([]byte, 4096); err == nil; {
				_, err = os.Stdin.Read(buffer)
			}
		}()
	}
	return gone
}
