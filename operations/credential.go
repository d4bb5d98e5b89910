package operations

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// credential makes a credential of a token that was inspected.
func (a *api) credential(ctx context.Context, method string, registration app, token string, in inspection) (connector.Credential, error) {
	k := key{Host: in.host, UserID: in.userID, Token: token, Proof: proof(registration.secretAt(in.host), token)}
	if err := a.addPages(ctx, &k, registration, in); err != nil {
		return connector.Credential{}, failure(err)
	}
	secret, err := k.seal()
	if err != nil {
		return connector.Credential{}, err
	}
	scopes := in.scopes
	if scopes == nil {
		// Meta does not say. Meta itself refuses what is not granted.
		scopes = facebookScopes
		if in.host == graph.Instagram {
			scopes = instagramScopes
		}
	}
	return connector.Credential{
		Method: method, Secret: secret, Account: in.account, Scopes: understood(scopes),
		Validity: connector.Validity{ExpiresAt: in.expires, ConsentUntil: in.dataAccessEnds, RefreshAfter: a.refreshAfter(in)},
	}, nil
}

// secretAt returns the app's secret for one login flavour.
func (a app) secretAt(h graph.Host) string {
	if h == graph.Instagram {
		return a.InstagramSecret
	}
	return a.Secret
}

// addPages puts the keys of the user's Pages into a key, each with its proof: an
// operation never sees the app's secret.
func (a *api) addPages(ctx context.Context, k *key, registration app, in inspection) error {
	if k.Host != graph.Facebook {
		return nil
	}
	s := &session{api: a, call: &connector.Call{}, key: *k, graph: a.graph()}
	pages := []pageKey{}
	if in.pageID != "" {
		pages = append(pages, s.ownPage(ctx, in.pageID))
	} else {
		var err error
		if pages, err = s.reachable(ctx, in.userID); err != nil {
			return err
		}
	}
	if len(pages) == 0 {
		return nil
	}
	for i := range pages {
		pages[i].Proof = proof(registration.Secret, pages[i].Token)
	}
	var err error
	if k.Pages, err = json.Marshal(pages); err != nil {
		return fmt.Errorf("sealing the keys to Pages: %w", err)
	}
	return nil
}

// reachable lists the Pages that a token is good for. Only a user has Pages; a Page
// has itself, and without an app nobody tells which of the two a token is of.
func (s *session) reachable(ctx context.Context, id string) ([]pageKey, error) {
	pages, err := s.pages(ctx)
	e, ok := graphError(err)
	switch {
	case ok && e.Class == graph.Denied:
		return nil, nil // a token that may not list Pages is a token still
	case ok && e.Class == graph.Invalid:
		if p := s.ownPage(ctx, id); p.IGUserID != "" {
			return []pageKey{p}, nil
		}
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("listing Pages: %w", err)
	}
	return pages, nil
}

// ownPage is the key of a Page whose token this is.
func (s *session) ownPage(ctx context.Context, id string) pageKey {
	var page struct {
		Account struct {
			ID string `json:"id"`
		} `json:"instagram_business_account"`
	}
	// A Page without an account is a Page, too.
	_ = s.fields(ctx, "/"+id, "instagram_business_account{id}", &page)
	return pageKey{ID: id, IGUserID: page.Account.ID, Token: s.key.Token}
}
