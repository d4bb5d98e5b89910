package smtp

import (
	"fmt"
	"strings"
	"unicode"

	mail "github.com/wneessen/go-mail"
)

// message writes a mail.
func (s *Sender) message(m Mail, id string) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.config.From); err != nil {
		return nil, fmt.Errorf("writing the sender: %w", err)
	}
	for _, f := range []struct {
		name string
		list []string
		set  func(...string) error
	}{{"to", m.To, msg.To}, {"cc", m.Cc, msg.Cc}, {"bcc", m.Bcc, msg.Bcc}} {
		for i, a := range f.list {
			if strings.ContainsFunc(a, unicode.IsControl) {
				return nil, invalid(fmt.Sprintf("/%s/%d", f.name, i), "holds a line break or another control character")
			}
		}
		if len(f.list) == 0 {
			continue
		}
		if err := f.set(f.list...); err != nil {
			return nil, invalid("/"+f.name, "holds what is no e-mail address")
		}
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil || strings.ContainsFunc(m.ReplyTo, unicode.IsControl) {
			return nil, invalid("/reply_to", "is no e-mail address")
		}
	}
	if strings.ContainsFunc(m.Subject, unicode.IsControl) {
		return nil, invalid("/subject", "holds a line break or another control character")
	}
	if len(m.To)+len(m.Cc)+len(m.Bcc) == 0 {
		return nil, invalid("/to", "is empty: nobody gets the mail")
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(id)
	msg.SetDateWithValue(s.config.Now())
	if m.Text != "" || m.HTML == "" {
		msg.SetBodyString(mail.TypeTextPlain, m.Text)
	}
	switch {
	case m.HTML != "" && m.Text != "":
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	case m.HTML != "":
		msg.SetBodyString(mail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}
