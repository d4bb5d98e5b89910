module github.com/storyloop/storyloop/examples/clients/go

go 1.26

require (
	github.com/huandu/facebook/v2 v2.7.3
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
