package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/storyloop/storyloop/connector/conformance"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// marker is part of every token in these checks, and must be seen nowhere.
const marker = "m4rk3r"

// manyAccounts is how many accounts there are beside those of the seed.
const manyAccounts = 50

// world is the local Instagram that the connector is checked against, and the
// credentials for it.
type world struct {
	*sandbox.Sandbox
	info     sandbox.Info
	facebook *connectorv1.Credential // Of @bluebottle with Facebook Login.
	// instagram is the same account with Instagram Login.
	instagram *connectorv1.Credential
	many      []*connectorv1.Credential // Of the other accounts.
	changed   atomic.Bool               // Since the last reset, which takes a while.
	onClose   []func()
}

func newWorld() (*world, error) {
	w := sandbox.Seed{Stories: 10, Media: 12}.World() // it is made anew for every case
	addSecond(w)
	for i := range manyAccounts {
		addAccount(w, i)
	}
	for _, token := range w.Tokens {
		token.Value = token.Value[:4] + marker + token.Value[4:]
	}
	s, err := sandbox.New(sandbox.Options{World: w})
	if err != nil {
		return nil, fmt.Errorf("making the sandbox: %w", err)
	}
	out := &world{Sandbox: s, info: s.Info(), facebook: &connectorv1.Credential{}, instagram: &connectorv1.Credential{}}
	for range manyAccounts {
		out.many = append(out.many, &connectorv1.Credential{})
	}
	out.changed.Store(true)
	return out, nil
}

// close ends the world and the callbacks in it.
func (w *world) close() error {
	for _, end := range w.onClose {
		end()
	}
	return w.Close()
}

// addSecond makes two of what the seed world has one of, so that there is a second
// page.
func addSecond(w *sandbox.World) {
	w.Media = append(w.Media, &sandbox.Media{
		ID: "17900005000000002", OwnerID: sandbox.SeedAccountID, Type: "BROADCAST", Product: "LIVE",
		At: sandbox.SeedTime.Add(-10 * time.Minute), Ends: sandbox.SeedTime.Add(time.Hour),
	})
	w.Comments = append(w.Comments, &sandbox.Comment{
		ID: "17800000000002991", MediaID: "17900001000000001", ParentID: "17800000000002007", FromID: w.People[0].ID,
		Text: "You are welcome", At: sandbox.SeedTime.Add(-time.Hour),
	})
}

// addAccount adds the i-th of many accounts: half of them with Facebook Login, each
// with a user and a Page of its own, and half with Instagram Login.
func addAccount(w *sandbox.World, i int) {
	a := &sandbox.Account{
		ID: accountID(i), ScopedID: fmt.Sprintf("26000000000001%03d", i), Username: username(i), Name: "Shop", Type: "Business",
	}
	w.Accounts = append(w.Accounts, a)
	token := &sandbox.Token{Issued: sandbox.SeedTime.Add(-time.Hour), LongLived: true, Expires: sandbox.SeedTime.AddDate(0, 0, 60)}
	if i%2 == 1 {
		token.Kind, token.AccountID = sandbox.InstagramToken, a.ID
		token.Value, token.Scopes = fmt.Sprintf("IGAAshop%03d", i), []string{"instagram_business_basic"}
	} else {
		a.PageID = fmt.Sprintf("100200300500%03d", i)
		user := &sandbox.User{ID: fmt.Sprintf("10100000000001%03d", i), Name: "Shopkeeper", Pages: []string{a.PageID}}
		w.Users = append(w.Users, user)
		w.Pages = append(w.Pages, &sandbox.Page{ID: a.PageID, Name: "Shop", AccountID: a.ID, Tasks: []string{"MANAGE"}})
		token.Kind, token.UserID = sandbox.UserToken, user.ID
		token.Value, token.Scopes = fmt.Sprintf("EAABshop%03d", i), []string{"instagram_basic", "pages_show_list", "pages_read_engagement"}
		page := *token
		page.Kind, page.UserID, page.PageID, page.Value = sandbox.PageToken, user.ID, a.PageID, token.Value+"page"
		w.Tokens = append(w.Tokens, &page)
	}
	w.Tokens = append(w.Tokens, token)
}

// accountID is an id of 17 digits. The first is the one that floats cannot hold.
func accountID(i int) string {
	if i == 0 {
		return conformance.BigNumber
	}
	return fmt.Sprintf("17841400000001%03d", i)
}

func username(i int) string { return fmt.Sprintf("shop_%03d", i) }

// app is the operator's registration, as the sandbox has it.
func (w *world) app() []byte {
	return encoded(map[string]string{
		"app_id": w.info.AppID, "app_secret": w.info.AppSecret, "instagram_app_id": w.info.InstagramAppID,
		"instagram_app_secret": w.info.InstagramAppSecret, "verify_token": w.info.VerifyToken,
	})
}

// authorize signs in for all accounts with pasted tokens.
func (w *world) authorize(ctx context.Context, auth connectorv1.AuthServiceClient) (*connectorv1.Credential, error) {
	paste := func(token string, into *connectorv1.Credential) error {
		resp, err := auth.CompleteAuthorization(ctx, &connectorv1.CompleteAuthorizationRequest{
			Method: "access_token", App: &connectorv1.App{Config: w.app()}, Reply: encoded(map[string]string{"access_token": token}),
		})
		if err != nil {
			return err
		}
		if f := resp.GetFailure(); f != nil {
			return fmt.Errorf("signing in: %s", f.GetMessage())
		}
		proto.Merge(into, resp.GetCredential())
		return nil
	}
	for _, a := range w.info.Accounts {
		var i int
		_, err := fmt.Sscanf(a.Username, "shop_%d", &i)
		switch {
		case err == nil:
			err = paste(a.UserToken+a.InstagramToken, w.many[i]) // it has one of the two
		case a.IGUserID == sandbox.SeedAccountID:
			if err = paste(a.UserToken, w.facebook); err == nil {
				err = paste(a.InstagramToken, w.instagram)
			}
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("@%s: %w", a.Username, err)
		}
	}
	return w.facebook, nil
}

// account is a call for the i-th of many accounts.
func (w *world) account(i int) conformance.AccountCase {
	return conformance.AccountCase{
		Credential: w.many[i], Operation: "get_profile", Want: username(i),
		Input: encoded(map[string]string{"ig_user_id": accountID(i)}),
	}
}

// ServeHTTP lets time pass whenever somebody looks at a container: what Instagram
// has to process is not ready at the first look, and is at the second.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	waits := strings.Contains(r.URL.Query().Get("fields"), "status_code")
	if waits || r.Method != http.MethodGet {
		w.changed.Store(true)
	}
	w.Sandbox.ServeHTTP(rw, r)
	if waits {
		w.Clock().Advance(15 * time.Second)
	}
}

// reset makes everything new. The account has searched for the hashtag that the
// examples are about, as one must before looking at it.
func (w *world) reset() {
	if !w.changed.Swap(false) {
		return
	}
	w.Clock().Set(sandbox.SeedTime)
	must(w.Reset())
	w.as(w.info.Accounts[0].UserToken, "GET", "ig_hashtag_search?q=coke&user_id="+sandbox.SeedAccountID)
}

// die has every token be refused, as when a user has changed the password.
func (w *world) die() (undo func()) {
	must(w.AddFault(sandbox.Fault{Kind: sandbox.FaultError, Code: 190, Subcode: 460, Status: http.StatusBadRequest, Times: -1}))
	return w.ClearFaults
}

// useUp has the account's budget be used up.
func (w *world) useUp() (undo func()) {
	must(w.AddFault(sandbox.Fault{
		Kind: sandbox.FaultError, Code: 80002, Status: http.StatusForbidden, Times: -1, Header: map[string]string{
			"X-Business-Use-Case-Usage": `{"17841405726653026":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":7}]}`,
		},
	}))
	return w.ClearFaults
}

// must ends the check that is under way: the kit reports a panic as a finding.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	must(err)
	return raw
}
