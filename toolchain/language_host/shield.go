package main

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startShielded starts a process in which SIGINT is blocked, as it then is in all that the process starts.
//
// The engine interrupts the host's whole process group when it is done, and the one who answers is the host, which asks
// its programs to end: a program must not be hit in the middle of something. Ignoring the signal would not do, since a
// program that sets a handler of its own is hit again. A child has the mask of the thread that forks it, and Go's
// scheduler must not put other work on that thread meanwhile.
func startShielded(command *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	interrupt := unix.Sigset_t{}
	interrupt.Val[0] = 1 << (unix.SIGINT - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &interrupt, &before); err != nil {
		return err
	}
	err := command.Start()
	if restored := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); err == nil {
		err = restored
	}
	return err
}
