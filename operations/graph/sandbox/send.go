package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// retryPauses are the pauses before each further attempt of a delivery: at once, then with
// falling frequency. Meta gives up after 36 hours.
var retryPauses = []time.Duration{
	0, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour, 8 * time.Hour,
}

const retryFor = 36 * time.Hour

func (s *Sandbox) wakeSender() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sendLoop sends what is due until the sandbox is closed.
func (s *Sandbox) sendLoop() {
	defer s.done.Done()
	for {
		for s.sendOne() {
		}
		timer := s.untilNext()
		select {
		case <-s.ctx.Done():
			return
		case <-s.wake:
		case <-timer:
			s.tick()
		}
	}
}

// untilNext fires when a running clock reaches the next thing to do; a clock that stands
// still wakes the loop itself when it is moved.
func (s *Sandbox) untilNext() <-chan time.Time {
	if !s.clock.Running() {
		return nil
	}
	s.mu.Lock()
	at, ok := s.sender.next()
	s.mu.Unlock()
	wait := time.Minute // stories expire by the minute
	if ok {
		wait = min(wait, max(0, at.Sub(s.clock.Now())))
	}
	return time.After(wait)
}

// sendOne sends the first due delivery and says whether there was one.
func (s *Sandbox) sendOne() bool {
	if s.ctx.Err() != nil {
		return false
	}
	s.mu.Lock()
	d := s.sender.due(s.clock.Now())
	if d == nil {
		s.mu.Unlock()
		return false
	}
	d.busy, s.sender.sending = true, true
	secret := s.app.secret(d.flavour)
	if d.wrong {
		secret = "not the secret of any app"
	}
	target, body := d.URL, []byte(d.Body)
	s.mu.Unlock()

	status, err := s.post(target, body, secret)

	s.mu.Lock()
	defer s.mu.Unlock()
	d.busy, s.sender.sending = false, false
	d.settle(s.clock.Now(), status, err)
	s.log.Info("webhook sent", "delivery", d.ID, "flavour", d.Flavour, "attempt", d.Attempts, "status", status, "state", d.State)
	close(s.sender.changed)
	s.sender.changed = make(chan struct{})
	return true
}

// settle notes the outcome of an attempt and plans the next one.
func (d *queuedDelivery) settle(now time.Time, status int, err error) {
	d.Attempts++
	d.Status, d.Error = status, ""
	if err != nil {
		d.Error = err.Error()
	}
	if status == http.StatusOK {
		d.State = DeliveryDone
		return
	}
	if d.Attempts > len(retryPauses) || now.Add(retryPauses[d.Attempts-1]).Sub(d.Queued) > retryFor {
		d.State = DeliveryDropped
		return
	}
	d.Due = now.Add(retryPauses[d.Attempts-1])
}

func (s *Sandbox) post(target string, body []byte, secret string) (status int, err error) {
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("making the webhook request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "facebookexternalua")
	r.Header.Set("Accept", "*/*")
	SignWebhook(r.Header, secret, body)
	resp, err := s.http.Do(r)
	if err != nil {
		return 0, fmt.Errorf("sending the webhook: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // so that the connection can be used again
	return resp.StatusCode, nil
}

// SignWebhook sets the two signature headers that Meta sends, made over the exact bytes of a
// body. Many receivers in the wild check only the legacy one, of SHA-1.
func SignWebhook(h http.Header, appSecret string, body []byte) {
	long := hmac.New(sha256.New, []byte(appSecret))
	long.Write(body)
	short := hmac.New(sha1.New, []byte(appSecret))
	short.Write(body)
	h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(long.Sum(nil)))
	h.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(short.Sum(nil)))
}

// handshake asks a callback the verification question.
func (s *Sandbox) handshake(sub *subscription) error {
	if err := checkCallback(sub.url); err != nil {
		return err
	}
	u, err := url.Parse(sub.url)
	if err != nil {
		return fmt.Errorf("the callback is not a URL: %w", err)
	}
	const challenge = "1158201444"
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", sub.verifyToken)
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("the callback is not a URL: %w", err)
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return errors.New("the callback could not be reached") // the error's text has the verify token in its URL
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != challenge {
		return fmt.Errorf("HTTP Status Code = %d; the response does not match the challenge, expected value=%q", resp.StatusCode, challenge)
	}
	return nil
}
