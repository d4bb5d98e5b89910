package host

import (
	"cmp"
	"context"
	"log/slog"
	"strings"

	"github.com/storyloop/storyloop/host/workflow"
)

// LogAttrs returns the step as attributes of a line in the log: workflow, run, step
// (its path), call and attempt, those that are known. A connector logs the call,
// too, so that its lines and the host's can be put together.
func (c Caller) LogAttrs() []slog.Attr {
	var attrs []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("workflow", c.Workflow), slog.String("run", c.Run), slog.String("step", c.Path), slog.String("call", c.Call),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if c.Attempt > 0 {
		attrs = append(attrs, slog.Int("attempt", c.Attempt))
	}
	return attrs
}

// log logs a line about a run.
func (x *execution) log(level slog.Level, message string, attrs ...slog.Attr) {
	x.e.logFor(x.ctx, Caller{Workflow: x.run.Workflow, Run: x.run.ID}, level, message, attrs)
}

// logStart logs that the run begins, or goes on after a restart or an answer.
func (x *execution) logStart() {
	if x.resumed {
		x.log(slog.LevelInfo, "run goes on")
		return
	}
	attrs := []slog.Attr{slog.String("by", cmp.Or(string(x.run.Origin.Kind), "person"))}
	if x.run.Event != "" {
		attrs = append(attrs, slog.String("event", x.run.Event))
	}
	x.log(slog.LevelInfo, "run started", attrs...)
}

// logEnd logs how the run has come to rest.
func (x *execution) logEnd() {
	r := x.run
	attrs := []slog.Attr{slog.String("state", string(r.State))}
	if !r.StartedAt.IsZero() { // or it was cancelled while it was queued
		attrs = append(attrs, slog.Duration("took", x.e.Clock.Now().Sub(r.StartedAt)))
	}
	switch {
	case r.Question != nil:
		attrs = append(attrs, slog.String("step", r.Question.Path), slog.String("question", string(r.Question.Kind)))
	case r.Failure != nil:
		attrs = append(attrs, slog.String("step", r.Failure.Path))
		attrs = append(attrs, failureAttrs(r.Failure)...)
	}
	x.log(slog.LevelInfo, "run came to rest", attrs...)
}

// log logs a line about a step and the last call that it has made.
func (k *call) log(level slog.Level, message string, attrs ...slog.Attr) {
	k.x.e.logFor(k.ctx, k.caller(), level, message, attrs)
}

// logFor bounds what a line repeats of others' words, which may quote anything: the
// run has the whole of it.
func (e *Engine) logFor(ctx context.Context, c Caller, level slog.Level, message string, attrs []slog.Attr) {
	const most = 500
	if !e.Log.Enabled(ctx, level) {
		return
	}
	all := append(c.LogAttrs(), attrs...)
	for i, a := range all {
		switch a.Key {
		case "why", "error", "panic":
			if text := a.Value.String(); len(text) > most {
				all[i] = slog.String(a.Key, cut(text, most))
			}
		}
	}
	e.Log.LogAttrs(ctx, level, message, all...)
}

// cut returns no more than so many bytes of a text, and says if it left some out.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// caller is on whose behalf the step's last call is made.
func (k *call) caller() Caller {
	c := Caller{Workflow: k.x.run.Workflow, Run: k.x.run.ID, Path: k.Path, Began: k.entry.From}
	if n := len(k.entry.Attempts); n > 0 {
		c.Call, c.Attempt = k.entry.Attempts[n-1].ID, k.made()
	}
	return c
}

// failureAttrs says why. The trace id is what Meta's support asks for.
func failureAttrs(f *workflow.Failure) []slog.Attr {
	attrs := []slog.Attr{slog.String("kind", f.Kind), slog.String("why", f.Message)}
	code := f.Code
	if f.Subcode != "" {
		code += "/" + f.Subcode
	}
	if code != "" {
		attrs = append(attrs, slog.String("code", code))
	}
	if f.TraceID != "" {
		attrs = append(attrs, slog.String("fbtrace_id", f.TraceID))
	}
	return attrs
}
