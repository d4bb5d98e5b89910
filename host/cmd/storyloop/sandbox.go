package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/storyloop/storyloop/host/vault"
)

// sandbox is a running local Instagram: a process of the connector's binary.
type sandbox struct {
	sandboxInfo
	cmd   *exec.Cmd
	ended chan error
}

// sandboxInfo is the line that a sandbox prints at its start. Its secrets are
// those of a world that does not exist.
type sandboxInfo struct {
	URL         string `json:"url"`
	AppID       string `json:"app_id"`
	AppSecret   string `json:"app_secret"`
	VerifyToken string `json:"verify_token"`
	Accounts    []struct {
		IGUserID  string `json:"ig_user_id"`
		Username  string `json:"username"`
		PageID    string `json:"page_id"`
		UserToken string `json:"user_token"`
	} `json:"accounts"`
}

const sandboxStart = 15 * time.Second

// startSandbox starts a local Instagram. More than zero stories make a world of
// that many; a callback gets its webhooks.
func (a *app) startSandbox(ctx context.Context, stories int, callback string) (*sandbox, error) {
	binary, err := a.instagramBinary()
	if err != nil {
		return nil, err
	}
	args := []string{"sandbox", "--addr", "127.0.0.1:0", "--attached"}
	if stories > 0 {
		args = append(args, "--stories", strconv.Itoa(stories))
	}
	if callback != "" {
		args = append(args, "--callback", callback)
	}
	s := &sandbox{cmd: exec.Command(binary, args...), ended: make(chan error, 1)}
	s.cmd.Stderr = a.stderr
	s.cmd.Env = []string{} // it needs nothing of the host's environment
	// The host ends the sandbox; the terminal's Ctrl-C must not do so before.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// It ends when this pipe closes: also when this process is killed.
	if _, err := s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	first := make(chan []byte, 1)
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		if lines.Scan() {
			first <- append([]byte(nil), lines.Bytes()...)
		}
		for lines.Scan() { // what it says later is nobody's business, but must not block it
		}
		s.ended <- s.cmd.Wait()
	}()
	select {
	case line := <-first:
		if err := json.Unmarshal(line, &s.sandboxInfo); err != nil || s.URL == "" {
			s.close()
			return nil, errors.New("starting the sandbox: its first line is not what a sandbox prints")
		}
		return s, nil
	case err := <-s.ended:
		return nil, fmt.Errorf("starting the sandbox: it ended at once: %w", err)
	case <-time.After(sandboxStart):
		s.close()
		return nil, fmt.Errorf("starting the sandbox: it was not ready within %s", sandboxStart)
	case <-ctx.Done():
		s.close()
		return nil, ctx.Err()
	}
}

// close ends the sandbox and waits for its end.
func (s *sandbox) close() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// checkStories refuses a --stories that would have no effect.
func checkStories(stories int, sandbox bool) error {
	switch {
	case stories < 0:
		return usageErrorf("--stories must not be less than 0")
	case stories > 0 && !sandbox:
		return usageErrorf("--stories is about the sandbox: add --sandbox")
	}
	return nil
}

// settings are the user's for the instagram connector, but tell it to take the
// sandbox for Instagram.
func (s *sandbox) settings(own json.RawMessage) (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if len(own) > 0 {
		if err := json.Unmarshal(own, &all); err != nil || all == nil {
			return nil, usageErrorf("--settings: those of instagram must be an object")
		}
	}
	url, err := json.Marshal(s.URL)
	if err != nil {
		return nil, err
	}
	all["sandbox_url"] = url
	return json.Marshal(all)
}

// contents are the sandbox's accounts and its app, as a vault holds them: each
// credential is named after its account.
func (s *sandbox) contents() vault.Contents {
	c := vault.Contents{
		Credentials: map[string]vault.Entry{},
		Apps: map[string]map[string]vault.Object{"instagram": {"default": {
			"app_id": s.AppID, "app_secret": s.AppSecret, "verify_token": s.VerifyToken,
		}}},
	}
	for _, account := range s.Accounts {
		if account.UserToken == "" {
			continue
		}
		c.Credentials[account.Username] = vault.Entry{
			Connector: "instagram", Method: "access_token", Form: vault.Object{"access_token": account.UserToken},
		}
	}
	return c
}
