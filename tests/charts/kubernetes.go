package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

var documentEnd = regexp.MustCompile(`(?m)^---\s*$`)

// Documents of YAML as a list of JSON, by the library that helm and the API server read with: YAML 1.1, so that yes, 1e3 and 0x1F are no text.
// A key that stands twice is an error.
func readAsKubernetes(from io.Reader, to io.Writer) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	documents := []interface{}{}
	for _, part := range documentEnd.Split(string(text), -1) {
		var document interface{}
		if err := yaml.UnmarshalStrict([]byte(part), &document); err != nil {
			return fmt.Errorf("%w, in:\n%s", err, strings.TrimSpace(part))
		}
		if document != nil {
			documents = append(documents, document)
		}
	}
	return json.NewEncoder(to).Encode(documents)
}
