package main

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// patience is the time between asking a process to end and ending it.
const patience = 2 * time.Second

var errLeaving = errors.New("the language host is leaving")

// child is a process that the host has started.
type child struct {
	command *exec.Cmd
	ended   chan struct{} // closed when it has
	stopped bool          // by us
}

// children starts processes and ends all that are left when the host leaves or is asked to cancel.
//
// They stay in the host's process group: when the engine loses patience and kills the group, they go with it.
type children struct {
	mutex   sync.Mutex
	running map[*child]bool
	leaving bool
}

func newChildren() *children {
	return &children{running: map[*child]bool{}}
}

// start starts command without input; its output goes where command says.
func (all *children) start(command *exec.Cmd) (*child, error) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	if all.leaving {
		return nil, errLeaving
	}
	if err := startShielded(command); err != nil {
		return nil, err
	}
	started := &child{command: command, ended: make(chan struct{})}
	all.running[started] = true
	go all.reap(started)
	return started, nil
}

func (all *children) reap(one *child) {
	_ = one.command.Wait() // how it ended is asked of its state
	all.mutex.Lock()
	defer all.mutex.Unlock()
	delete(all.running, one)
	close(one.ended)
}

// wait returns how a process has ended, when it has, and whether we ended it. Ended by a signal it has that number,
// negative.
func (all *children) wait(one *child) (code int, stopped bool) {
	<-one.ended
	all.mutex.Lock()
	defer all.mutex.Unlock()
	state := one.command.ProcessState
	code = state.ExitCode()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = -int(status.Signal())
	}
	return code, one.stopped
}

// stop asks a process to end, and ends it if it does not in time.
func (all *children) stop(one *child) {
	all.end(func(running *child) bool { return running == one })
}

// cancel stops all that run.
func (all *children) cancel() {
	all.end(func(*child) bool { return true })
}

// leave stops all that run, and starts no more.
func (all *children) leave() {
	all.mutex.Lock()
	all.leaving = true
	all.mutex.Unlock()
	all.cancel()
}

func (all *children) end(meant func(*child) bool) {
	var ending []*child
	all.mutex.Lock()
	for one := range all.running {
		if meant(one) {
			one.stopped = true
			ending = append(ending, one)
		}
	}
	all.mutex.Unlock()
	for _, one := range ending {
		_ = one.command.Process.Signal(syscall.SIGTERM) // fails if it has ended, which is as well
	}
	enough, done := context.WithTimeout(context.Background(), patience)
	defer done()
	for _, one := range ending {
		select {
		case <-one.ended:
		case <-enough.Done():
			_ = one.command.Process.Kill()
		}
	}
}
