package host

import (
	"fmt"
	"log/slog"

	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// goOn continues what a former process has begun, by what it left behind.
func (k *call) goOn() (workflow.Outcome, error) {
	switch e := &k.entry; {
	case e.State == EntryParked && e.Answer == Skip:
		e.State, e.EndedAt = EntrySkipped, k.x.e.Clock.Now()
		if err := k.x.put(*e, Synced); err != nil {
			return workflow.Outcome{}, err
		}
		return settled(*e)
	case e.State == EntryParked && e.Answer == Repeat:
		e.Answer, e.Question, e.Before, e.Waited = "", nil, len(e.Attempts), 0
		return k.attempts()
	case e.State == EntryParked:
		return workflow.Outcome{}, k.x.park(e.Question, len(e.Attempts))
	case e.State == EntryWaiting:
		if err := k.x.wait(k.x.waitCtx, k.Path, k.Step, e.Until, k.made(), e.Reason); err != nil {
			return workflow.Outcome{}, err
		}
		return k.attempts()
	}
	// An attempt without an outcome: the process died meanwhile.
	lost := &connectorv1.Failure{
		Kind: connectorv1.FailureKind_FAILURE_KIND_UNAVAILABLE, Applied: connectorv1.Applied_APPLIED_UNKNOWN,
		Message: "The host ended while the call was under way.", ResumeToken: k.entry.Resume,
	}
	if done, out, err := k.decide(lost, true); done {
		return out, err
	}
	return k.attempts()
}

// decide does what the retry rule says about a failure. It returns done if there
// is an outcome; otherwise another attempt follows.
func (k *call) decide(f *connectorv1.Failure, cut bool) (done bool, out workflow.Outcome, err error) {
	if f.GetResumeToken() == "" {
		f.ResumeToken = k.entry.Resume // from progress
	}
	k.entry.Resume = f.GetResumeToken()
	d := Decide(k.op, f, Tries{
		Attempts: max(k.made(), 1), Waited: k.entry.Waited, Refreshed: k.refreshed, Jitter: k.x.e.Random(), Cut: cut, Unsure: k.unsure(),
	}, k.Step.Retry)
	switch d.Action {
	case TryAgain:
		k.entry.Waited += d.Wait
		k.log(slog.LevelInfo, "step is tried again", append(failureAttrs(failureOf(f)), slog.Duration("after", d.Wait))...)
		err = k.pause(k.x.e.Clock.Now().Add(d.Wait), fmt.Sprintf("attempt %d: %s", k.made()+1, f.GetMessage()))
		return err != nil, out, err
	case RefreshFirst:
		k.refreshed = true
		if r, ok := k.x.e.Vault.(Refresher); ok && k.Step.Credential != "" {
			_, err := r.Refresh(k.ctx, k.Step.Credential)
			if err == nil {
				k.log(slog.LevelInfo, "credential was refreshed", slog.String("credential", k.Step.Credential))
				return false, out, nil
			}
			k.log(slog.LevelWarn, "credential was not refreshed", slog.String("credential", k.Step.Credential), slog.Any("error", err))
		}
		return true, out, k.park(AskCredential, f)
	case AskOwner:
		return true, out, k.park(AskCredential, f)
	case AskOwnerScope:
		return true, out, k.park(AskPermission, f)
	case AskPerson:
		return true, out, k.park(AskHappened, f)
	case LookFirst:
		k.log(slog.LevelInfo, "step looks whether its write has happened", failureAttrs(failureOf(f))...)
		return k.look(f, cut)
	}
	out, err = k.fail(failureOf(f))
	return true, out, err
}

// park asks a person.
func (k *call) park(kind QuestionKind, f *connectorv1.Failure) error {
	what := k.Step.Connector + " " + k.Step.Operation
	q := &Question{Path: k.Path, Step: k.Step.ID, Kind: kind, Choices: []Choice{Repeat, Skip}}
	switch kind {
	case AskHappened:
		q.Text = fmt.Sprintf("%s may have happened: %s Look, then say: repeat, or skip?", what, f.GetMessage())
	case AskCredential:
		q.Text = fmt.Sprintf("The credential %q does not work: %s Sign in again, or set it right, then say: repeat.", k.Step.Credential, f.GetMessage())
	case AskPermission:
		q.Text = fmt.Sprintf("The credential %q lacks a permission that %s needs (%s): %s Consent to it, then say: repeat.", k.Step.Credential, what, list(k.op.GetScopes()), f.GetMessage())
	}
	k.entry.State, k.entry.Question, k.entry.Failure = EntryParked, q, failureOf(f)
	if err := k.x.put(k.entry, Synced); err != nil {
		return err
	}
	k.log(slog.LevelInfo, "step asks a person", append(failureAttrs(k.entry.Failure), slog.String("question", string(kind)))...)
	return k.x.park(q, len(k.entry.Attempts))
}
