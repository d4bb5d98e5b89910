package operations

import (
	"context"
	"errors"
	"fmt"
	"net/url"

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
	if in.pageID != "" {
		k.Pages = []pageKey{{ID: in.pageID, Token: k.Token, Proof: k.Proof, IGUserID: s.linkedAccount(ctx, in.pageID)}}
		return nil
	}
	pages, err := s.pages(ctx)
	var denied *graph.Error
	if errors.As(err, &denied) && (denied.Class == graph.Denied || denied.Class == graph.Invalid) {
		return nil // a token without Pages is a token still
	}
	if err != nil {
		return fmt.Errorf("listing Pages: %w", err)
	}
	for _, p := range pages {
		p.Proof = proof(registration.Secret, p.Token)
		k.Pages = append(k.Pages, p)
	}
	return nil
}

// linkedAccount returns the Instagram account of a Page, or "".
func (s *session) linkedAccount(ctx context.Context, pageID string) string {
	var page struct {
		Account struct {
			ID string `json:"id"`
		} `json:"instagram_business_account"`
	}
	if s.get(ctx, "/"+pageID, url.Values{"fields": {"instagram_business_account{id}"}}, &page) != nil {
		return ""
	}
	return page.Account.ID
}
