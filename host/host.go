// Package host runs workflows. It knows workflows and nothing about any remote
// service: what a step does is a connector's matter, reached through
// [Connector]. Adapters to processes, stores and networks are its subpackages.
package host
