package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// shops completes an operation of the shop.
func shops(op connector.Operation) connector.Operation {
	op.Scopes = []string{basic, contentPublish, pagesRead, catalogs, shoppingTag}
	op.AuthMethods = facebookOnly
	return op
}

func listCatalogs(a *api) connector.Operation {
	return handle(a, shops(connector.Operation{
		Name:    "list_catalogs",
		Title:   "List catalogs",
		Summary: "Lists the product catalogs of the account's shop.",
		Effect:  connector.Read,
		Items:   "/data",
	}), func(ctx context.Context, s *session, in mailbox) (list, string, error) {
		return s.page(ctx, "/"+in.IGUserID+"/available_catalogs", url.Values{"fields": {"catalog_id,catalog_name,shop_name,product_count"}})
	})
}

func searchCatalogProducts(a *api) connector.Operation {
	type input struct {
		mailbox
		CatalogID string `json:"catalog_id"`
		Query     string `json:"query"`
		Limit     int    `json:"limit"`
	}
	return handle(a, shops(connector.Operation{
		Name:      "search_catalog_products",
		Title:     "Search products",
		Summary:   "Finds products of a catalog by name or SKU; without a text, all that can be tagged.",
		Effect:    connector.Read,
		Items:     "/data",
		Paginated: true,
	}), func(ctx context.Context, s *session, in input) (list, string, error) {
		params := url.Values{"catalog_id": {in.CatalogID}, "limit": {limitOr(in.Limit, 25)}}
		if in.Query != "" {
			params.Set("q", in.Query)
		}
		return s.page(ctx, "/"+in.IGUserID+"/catalog_product_search", params)
	})
}

func getProductTags(a *api) connector.Operation {
	type input struct {
		MediaID string `json:"media_id"`
	}
	return handle(a, shops(connector.Operation{
		Name:    "get_product_tags",
		Title:   "Get product tags",
		Summary: "Lists the products that are tagged in a medium.",
		Effect:  connector.Read,
		Items:   "/data",
	}), func(ctx context.Context, s *session, in input) (list, string, error) {
		return s.page(ctx, "/"+in.MediaID+"/product_tags", nil)
	})
}

func setProductTags(a *api) connector.Operation {
	type input struct {
		MediaID    string    `json:"media_id"`
		Tags       []prodTag `json:"tags"`
		ChildIndex *int      `json:"child_index"`
	}
	return handle(a, shops(connector.Operation{
		Name:        "set_product_tags",
		Title:       "Set product tags",
		Summary:     "Tags products in a medium that is published already.",
		Description: "Tags of the same product are moved; others stay.",
		Effect:      connector.Write,
		Idempotency: connector.Inherent,
	}), func(ctx context.Context, s *session, in input) (done, string, error) {
		raw, err := json.Marshal(in.Tags)
		if err != nil {
			return done{}, "", fmt.Errorf("encoding tags: %w", err)
		}
		params := url.Values{"updated_tags": {string(raw)}}
		if in.ChildIndex != nil {
			params.Set("child_index", strconv.Itoa(*in.ChildIndex))
		}
		return s.change(ctx, graph.Request{Method: http.MethodPost, Path: "/" + in.MediaID + "/product_tags", Params: params})
	})
}
