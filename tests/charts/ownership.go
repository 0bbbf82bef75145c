package main

import (
	"encoding/json"
	"io"

	"sigs.k8s.io/structured-merge-diff/fieldpath"
	"sigs.k8s.io/structured-merge-diff/merge"
	"sigs.k8s.io/structured-merge-diff/typed"
)

// What somebody does to a Deployment: applies a manifest on the server's side, or scales it, which is an update of one field.
type ownershipStep struct {
	Manager string   `json:"manager"`
	Apply   object   `json:"apply"`
	Force   bool     `json:"force"`
	Scale   *float64 `json:"scale"`
}

// How many replicas there are then, or why the API server refuses.
type ownershipResult struct {
	Replicas interface{} `json:"replicas"`
	Conflict string      `json:"conflict"`
}

// Reads steps as JSON and writes what becomes of each, by the library with which the API server keeps the owners of fields.
func runOwnership(from io.Reader, to io.Writer) error {
	var steps []ownershipStep
	if err := json.NewDecoder(from).Decode(&steps); err != nil {
		return err
	}
	live, err := typed.DeducedParseableType.FromUnstructured(object{})
	if err != nil {
		return err
	}
	managers := fieldpath.ManagedFields{}
	updater := merge.Updater{Converter: oneVersion{}}
	results := []ownershipResult{}
	for _, step := range steps {
		next, owners, err := step.run(&updater, live, managers)
		if _, isConflict := err.(merge.Conflicts); err != nil && !isConflict {
			return err
		}
		result := ownershipResult{}
		if err != nil {
			result.Conflict = err.Error()
		} else {
			if live, err = withDefaults(next, live); err != nil {
				return err
			}
			managers = owners
		}
		result.Replicas = specOf(live)["replicas"]
		results = append(results, result)
	}
	return json.NewEncoder(to).Encode(results)
}

func (s ownershipStep) run(
	updater *merge.Updater, live *typed.TypedValue, managers fieldpath.ManagedFields,
) (*typed.TypedValue, fieldpath.ManagedFields, error) {
	if s.Scale == nil {
		applied, err := typed.DeducedParseableType.FromUnstructured(s.Apply)
		if err != nil {
			return nil, nil, err
		}
		return updater.Apply(live, applied, "v1", managers.Copy(), s.Manager, s.Force)
	}
	scaled, err := withReplicas(live, *s.Scale)
	if err != nil {
		return nil, nil, err
	}
	return updater.Update(live, scaled, "v1", managers.Copy(), s.Manager)
}

// The API server's defaults belong to nobody. An apply that changes nothing gives no object.
func withDefaults(next, live *typed.TypedValue) (*typed.TypedValue, error) {
	if next == nil {
		return live, nil
	}
	if specOf(next)["replicas"] == nil {
		return withReplicas(next, 1)
	}
	return next, nil
}

func withReplicas(value *typed.TypedValue, replicas float64) (*typed.TypedValue, error) {
	text, err := json.Marshal(value.AsValue().Unstructured())
	if err != nil {
		return nil, err
	}
	changed := object{}
	if err := json.Unmarshal(text, &changed); err != nil {
		return nil, err
	}
	spec, ok := changed["spec"].(object)
	if !ok {
		spec = object{}
		changed["spec"] = spec
	}
	spec["replicas"] = replicas
	return typed.DeducedParseableType.FromUnstructured(changed)
}

func specOf(value *typed.TypedValue) object {
	fields, _ := value.AsValue().Unstructured().(object)
	spec, _ := fields["spec"].(object)
	return spec
}

// There is one version here, so that nothing is converted.
type oneVersion struct{}

func (oneVersion) Convert(value *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return value, nil
}

func (oneVersion) IsMissingVersionError(error) bool { return false }
