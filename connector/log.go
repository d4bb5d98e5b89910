package connector

import (
	"context"
	"io"
	"log/slog"
)

// newLogger returns a logger that writes what hosts on go-plugin read from a
// connector's standard error: JSON lines with hclog's keys. Under slog's own
// keys every line would arrive without its level.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.TimeKey:
				return slog.String("@timestamp", a.Value.Time().Format("2006-01-02T15:04:05.000000Z07:00"))
			case slog.LevelKey:
				return slog.String("@level", levelName(a.Value.Any()))
			case slog.MessageKey:
				a.Key = "@message"
			}
			return a
		},
	}))
}

func levelName(level any) string {
	switch l, _ := level.(slog.Level); {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

// callHandler adds a call's id to what it is told, as slog's With would. Most calls
// say nothing, and With makes its text at once.
type callHandler struct {
	slog.Handler
	call string
}

func callLogger(l *slog.Logger, call string) *slog.Logger {
	return slog.New(callHandler{l.Handler(), call})
}

// Handle writes a record.
func (h callHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.WithAttrs(nil).Handle(ctx, r)
}

// WithAttrs returns a handler that also adds attributes.
func (h callHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.Handler.WithAttrs(append([]slog.Attr{slog.String("call", h.call)}, attrs...))
}

// WithGroup returns a handler that puts attributes into a group.
func (h callHandler) WithGroup(name string) slog.Handler { return h.WithAttrs(nil).WithGroup(name) }
