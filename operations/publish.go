package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/storyloop/storyloop/connector"
)

// publication is the output of the operations that publish.
type publication struct {
	ID          string `json:"id"`
	ContainerID string `json:"container_id,omitempty"`
}

// stage is where a publication stands. It travels as the resume token, so that an
// attempt that was cut off goes on and never posts twice: a container is published
// once, and what is done is looked up before anything is done again.
type stage struct {
	Items     []string  `json:"items,omitempty"`     // Containers of a carousel's items.
	Container string    `json:"container,omitempty"` // The container to publish.
	Since     time.Time `json:"since"`               // When it was made, by Meta's clock.
}

// patience is how long an attempt waits for Instagram to process a medium.
const patience = 15 * time.Minute

// saga publishes content: container, wait, publish. Before the last step nothing is
// public, so that whatever goes wrong there has not happened.
type saga struct {
	*session
	account string
	main    content
	items   []content
	stage   stage
}

// run takes the publication from where it stands to its end.
func (g *saga) run(ctx context.Context) (publication, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := g.resume(ctx); err != nil {
		return publication{}, notApplied(err)
	}
	if err := g.prepare(ctx); err != nil {
		return publication{}, notApplied(err)
	}
	c, err := g.ready(ctx, g.stage.Container, 0.6)
	if err != nil {
		return publication{}, notApplied(err)
	}
	out := publication{ContainerID: g.stage.Container}
	if c.StatusCode == published { // an earlier attempt got so far
		out.ID, err = g.findPublished(ctx, g.account, g.main, g.stage.Since.Add(-clockSlack))
		return out, err
	}
	g.tell("Publishing.", 0.9)
	out.ID, err = g.publish(ctx, g.account, g.stage.Container)
	return out, err
}

// resume reads where an earlier attempt stopped. A container that has died since
// was not published, so that a new one does no harm.
func (g *saga) resume(ctx context.Context) error {
	if g.call.Resume == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(g.call.Resume), &g.stage); err != nil {
		return connector.Invalid("", "bad_resume_token", "The resume token is not one of this operation.")
	}
	if g.stage.Container == "" {
		return nil
	}
	c, err := g.container(ctx, g.stage.Container)
	if err != nil {
		return err
	}
	if c.StatusCode == expired || c.StatusCode == broken {
		g.stage = stage{}
		g.tell("The container has died; starting over.", 0)
	}
	return nil
}

// prepare makes the containers that are not there yet.
func (g *saga) prepare(ctx context.Context) error {
	if g.stage.Container != "" {
		return nil
	}
	for i := len(g.stage.Items); i < len(g.items); i++ {
		id, err := g.createContainer(ctx, g.account, g.items[i])
		if err != nil {
			return atItem(i, err)
		}
		g.stage.Items = append(g.stage.Items, id)
		g.tell(fmt.Sprintf("Item %d of %d is handed in.", i+1, len(g.items)), 0.3*float64(i+1)/float64(len(g.items)))
	}
	for i, id := range g.stage.Items {
		if _, err := g.ready(ctx, id, 0.3+0.2*float64(i)/float64(len(g.stage.Items))); err != nil {
			return atItem(i, err)
		}
	}
	g.main.Children = g.stage.Items
	id, err := g.createContainer(ctx, g.account, g.main)
	if err != nil {
		return err
	}
	g.stage.Container, g.stage.Since = id, g.now()
	g.tell("The media is handed in.", 0.5)
	return nil
}

// ready waits until a container can be published.
func (g *saga) ready(ctx context.Context, id string, fraction float64) (container, error) {
	c, err := g.await(ctx, id, func(container) { g.tell("Instagram is processing the media.", fraction) })
	if err != nil {
		return c, err
	}
	if c.StatusCode == finished || c.StatusCode == published {
		return c, nil
	}
	// The next attempt begins anew.
	g.stage = stage{}
	g.tell("Instagram could not process the media.", -1)
	return c, c.wrong()
}

// tell reports progress, with where to go on from here.
func (g *saga) tell(message string, fraction float64) {
	token, err := json.Marshal(g.stage)
	if err != nil {
		panic(fmt.Sprintf("a stage does not marshal: %v", err))
	}
	g.call.Report(connector.Progress{Message: message, Fraction: fraction, Resume: string(token)})
}

// atItem says which item of a carousel an error is about.
func atItem(i int, err error) error {
	err = located(err)
	var e *connector.Error
	if !errors.As(err, &e) {
		return err
	}
	e.Message = fmt.Sprintf("Item %d: %s", i+1, e.Message)
	for n := range e.Problems {
		e.Problems[n].Pointer = pointerTo("/items", i) + e.Problems[n].Pointer
	}
	return e
}

// notApplied marks a failure of a step before the last: nothing is public.
func notApplied(err error) error {
	var e *connector.Error
	if !errors.As(err, &e) {
		err = located(err)
	}
	if errors.As(err, &e) {
		e.Applied = connector.AppliedNo
	}
	return err
}

// publishes completes an operation that publishes.
func publishes[In any](a *api, op connector.Operation, what func(In) (account string, main content, items []content)) connector.Operation {
	op.Effect, op.Idempotency = connector.Write, connector.NotIdempotent
	op.LongRunning, op.Timeout = true, patience
	op.Quotas, op.Scopes = []string{publishing}, []string{basic, contentPublish, pagesRead}
	op = handle(a, op, func(ctx context.Context, s *session, in In) (publication, string, error) {
		g := &saga{session: s}
		g.account, g.main, g.items = what(in)
		out, err := g.run(ctx)
		return out, "", err
	})
	return reconcile(a, op, func(ctx context.Context, s *session, in In, at time.Time) (publication, bool, error) {
		g := &saga{session: s}
		g.account, g.main, g.items = what(in)
		return g.look(ctx, at)
	})
}

// look tells whether the publication has happened. A container that was published
// says so. Where the attempt left no token, its medium is looked for.
func (g *saga) look(ctx context.Context, at time.Time) (publication, bool, error) {
	if g.call.Resume == "" {
		return g.lookWithoutToken(ctx, at)
	}
	if err := json.Unmarshal([]byte(g.call.Resume), &g.stage); err != nil {
		return publication{}, false, connector.Invalid("", "bad_resume_token", "The resume token is not one of this operation.")
	}
	if g.stage.Container == "" {
		return publication{}, false, nil
	}
	c, err := g.container(ctx, g.stage.Container)
	if err != nil || c.StatusCode != published {
		return publication{}, false, err
	}
	id, err := g.findPublished(ctx, g.account, g.main, g.stage.Since.Add(-clockSlack))
	return publication{ID: id, ContainerID: g.stage.Container}, true, err
}

// lookWithoutToken can tell a medium only by its caption. One without may be
// somebody else's.
func (g *saga) lookWithoutToken(ctx context.Context, at time.Time) (publication, bool, error) {
	if _, err := g.username(ctx, g.account); err != nil { // tells Meta's clock
		return publication{}, false, err
	}
	id, err := g.findPublished(ctx, g.account, g.main, g.metaTime(at).Add(-clockSlack))
	var e *connector.Error
	switch {
	case errors.As(err, &e) && e.Kind == connector.NotFound:
		return publication{}, false, nil
	case err != nil:
		return publication{}, false, err
	case g.main.Caption == "":
		return publication{}, false, precondition("Something was published since, and without a caption it cannot be told what.", "Look at the account in the Instagram app.")
	}
	return publication{ID: id}, true, nil
}
