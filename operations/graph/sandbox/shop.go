package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
)

func catalogKind() *kind[*Catalog] {
	return &kind[*Catalog]{
		name: "UserAvailableCatalogs", id: func(k *Catalog) string { return k.ID },
		defaults: names("catalog_id", "catalog_name", "shop_name", "product_count"),
		fields: map[string]fieldOf[*Catalog]{
			"catalog_id":    plain(func(k *Catalog) any { return k.ID }),
			"catalog_name":  plain(func(k *Catalog) any { return k.Name }),
			"shop_name":     plain(func(k *Catalog) any { return text(k.ShopName) }),
			"product_count": plain(func(k *Catalog) any { return len(k.Products) }),
		},
	}
}

// rows answers a list of things that are no nodes: they have no id of their own.
func rows[T any](c *call, l listing[T]) (any, error) {
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	asked := slices.ContainsFunc(q.fields, func(f field) bool { return f.name == "id" })
	out, err := l.render(c, q)
	if err != nil || asked {
		return out, err
	}
	data, _ := out[0].value.([]object)
	for i := range data {
		data[i] = slices.DeleteFunc(data[i], func(m member) bool { return m.key == "id" })
	}
	return out, nil
}

func listCatalogs(c *call) (any, error) {
	var items []*Catalog
	for _, id := range c.account.CatalogIDs {
		items = append(items, c.s.st.catalogs[id])
	}
	return rows(c, listing[*Catalog]{kind: c.s.kinds.catalog, items: items, path: c.account.ID + "/available_catalogs"})
}

func productKind() *kind[*Product] {
	return &kind[*Product]{
		name: "ShadowIGUserCatalogProductSearch", id: func(p *Product) string { return p.ID.String() },
		defaults: names("product_id", "merchant_id", "product_name", "image_url", "retailer_id", "review_status", "is_checkout_flow"),
		fields: map[string]fieldOf[*Product]{
			"product_id":       plain(func(p *Product) any { return p.ID }),
			"merchant_id":      plain(func(*Product) any { return json.Number("90010177253934") }),
			"product_name":     plain(func(p *Product) any { return p.Name }),
			"image_url":        plain(func(p *Product) any { return text(p.ImageURL) }),
			"retailer_id":      plain(func(p *Product) any { return text(p.RetailerID) }),
			"review_status":    plain(func(p *Product) any { return text(p.Review) }),
			"is_checkout_flow": plain(func(*Product) any { return false }),
			"product_variants": plain(func(p *Product) any {
				return []object{{{"product_id", p.ID}, {"variant_name", "One size"}}}
			}),
		},
	}
}

// searchProducts is GET /<IG user>/catalog_product_search.
func searchProducts(c *call) (any, error) {
	id := c.params.get("catalog_id")
	if id == "" {
		return nil, missingParam("catalog_id")
	}
	if !slices.Contains(c.account.CatalogIDs, id) {
		return nil, notFound(c.method, id)
	}
	wanted := strings.ToLower(c.params.get("q"))
	var items []*Product
	catalog := c.s.st.catalogs[id]
	for i := range catalog.Products {
		if p := &catalog.Products[i]; strings.Contains(strings.ToLower(p.Name), wanted) || p.RetailerID == c.params.get("q") {
			items = append(items, p)
		}
	}
	return rows(c, listing[*Product]{kind: c.s.kinds.product, items: items, path: c.account.ID + "/catalog_product_search"})
}

// getProductTags is GET /<media>/product_tags.
func getProductTags(c *call) (any, error) {
	list := []object{}
	for _, t := range c.node.(*Media).Products {
		p := c.s.st.products[t.ProductID.String()]
		if p == nil {
			continue
		}
		one := object{
			{"product_id", p.ID}, {"merchant_id", json.Number("90010177253934")}, {"name", p.Name}, {"price_string", p.Price},
			{"image_url", p.ImageURL}, {"review_status", p.Review}, {"is_checkout", false}, {"stripped_price_string", strings.TrimSuffix(p.Price, ".99")},
		}
		if t.X != 0 || t.Y != 0 {
			one = append(one, member{"x", t.X}, member{"y", t.Y})
		}
		list = append(list, one)
	}
	return object{{"data", list}}, nil
}

// setProductTags is POST /<media>/product_tags. It adds tags and moves those that are there.
func setProductTags(c *call) (any, error) {
	m := c.node.(*Media)
	if m.Product == "STORY" || m.Product == "LIVE" {
		return nil, badParam("Products cannot be tagged in this media")
	}
	if !c.params.has("updated_tags") {
		return nil, missingParam("updated_tags")
	}
	target := m
	if m.Type == "CAROUSEL_ALBUM" {
		i := slices.Index([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, c.params.get("child_index"))
		if i < 0 || i >= len(m.Children) {
			return nil, badParam("Param child_index must say which item of the carousel is tagged")
		}
		target = c.s.st.media[m.Children[i]]
	}
	tags, err := c.readProductTags("updated_tags", target.Type == "VIDEO")
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		target.Products = append(slices.DeleteFunc(target.Products, func(x ProductTag) bool { return x.ProductID == t.ProductID }), t)
	}
	return success(), nil
}

// productAppeal is GET and POST /<IG user>/product_appeal.
func productAppeal(c *call) (any, error) {
	id := c.params.get("product_id")
	p := c.s.st.products[id]
	switch {
	case id == "":
		return nil, missingParam("product_id")
	case p == nil:
		return nil, notFound(c.method, id)
	case c.method == "GET":
		return object{
			{"product_id", p.ID}, {"review_status", p.Review}, {"eligible_for_appeal", p.Review == "rejected" && c.s.st.appeals[id] == ""},
		}, nil
	case c.params.get("appeal_reason") == "":
		return nil, missingParam("appeal_reason")
	case p.Review != "rejected" || c.s.st.appeals[id] != "":
		return nil, badParam("The product is not eligible for an appeal")
	}
	c.s.st.appeals[id] = c.params.get("appeal_reason")
	return success(), nil
}
