package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// progress shows people what a run does. On a terminal its last line is live and
// says which step and which iteration; elsewhere there is a line for each step
// outside of loops, and for each tenth of a loop.
type progress struct {
	w      io.Writer
	app    *app
	live   bool
	loop   host.Progress // The outermost loop's last iteration.
	tenths int
	drawn  bool
}

func (a *app) newProgress() *progress {
	return &progress{w: a.stderr, app: a, live: terminal(a.stderr)}
}

// follow shows a run until it comes to rest.
func (p *progress) follow(ctx context.Context, w *host.Watcher) {
	for {
		e, ok := w.Next(ctx)
		if !ok {
			break
		}
		p.show(e)
	}
	p.wipe()
	if n := w.Missed(); n > 0 {
		fmt.Fprintf(p.w, "(%d steps were too fast to be shown)\n", n)
	}
}

func (p *progress) show(e host.Progress) {
	inside := strings.Contains(e.Path, "[")
	switch e.Kind {
	case host.LoopStarted:
		if !inside {
			p.loop, p.tenths = e, 0
		}
	case host.Iterated:
		if !inside || e.Path == p.loop.Path {
			p.loop = e
			p.tenth(e)
		}
	case host.StepStarted, host.Attempted:
		p.draw(e, "")
	case host.InProgress:
		p.draw(e, e.Message)
	case host.Waiting:
		text := "waits: " + e.Message
		if !e.Until.IsZero() {
			text = fmt.Sprintf("waits until %s: %s", e.Until.Local().Format(time.TimeOnly), e.Message)
		}
		p.line("…", e, text)
	case host.StepFinished:
		if !inside {
			p.line(p.app.paint(green, "✓"), e, duration(e.Took)+failures(e))
		}
	case host.StepFailed:
		p.line(p.app.paint(red, "✗"), e, e.Failure.Message)
	}
}

// tenth prints a line for each tenth of a loop where no line is live.
func (p *progress) tenth(e host.Progress) {
	if p.live || e.Count == 0 {
		return
	}
	if t := e.Done * 10 / e.Count; t > p.tenths {
		p.tenths = t
		fmt.Fprintf(p.w, "  %-16s %d of %d\n", e.Step, e.Done, e.Count)
	}
}

// draw redraws the live line.
func (p *progress) draw(e host.Progress, message string) {
	if !p.live {
		return
	}
	text := name(e)
	if p.loop.Count > 0 && strings.HasPrefix(e.Path, p.loop.Path+"[") {
		text = fmt.Sprintf("%s %d of %d  %s", p.loop.Step, p.loop.Done+1, p.loop.Count, text)
	}
	if message != "" {
		text += ": " + message
	}
	if runes := []rune(text); len(runes) > 76 {
		text = string(runes[:75]) + "…"
	}
	fmt.Fprintf(p.w, "\r\x1b[K  %s", p.app.paint(faint, printable(text)))
	p.drawn = true
}

func (p *progress) line(mark string, e host.Progress, text string) {
	p.wipe()
	fmt.Fprintf(p.w, "%s %-16s %-28s %s\n", mark, e.Path, printable(name(e)), printable(text))
}

func (p *progress) wipe() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// failures says how many iterations of a finished loop failed, if any did.
func failures(e host.Progress) string {
	var sum struct{ Count, Failed int }
	if e.Connector != workflow.LoopConnector || json.Unmarshal(e.Output, &sum) != nil || sum.Failed == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of %d failed", sum.Failed, sum.Count)
}

// name is how people know a step.
func name(e host.Progress) string {
	if e.Title != "" {
		return e.Title
	}
	return e.Operation
}
