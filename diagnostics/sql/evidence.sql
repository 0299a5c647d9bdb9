-- What can decide the level of the patients: every result that a doctor has judged; of the others the weightiest of each patient, and
-- the newest of each kind and level. One statement without the object mapper, because it runs with every batch of results.
WITH result AS (
  SELECT d.*, d.status IN ('reviewed', 'signed', 'amended') AS judged,
    row_number() OVER (PARTITION BY d.patient_id, d.status IN ('reviewed', 'signed', 'amended')
      ORDER BY d.red_flags <> '{}' DESC, array_position('{high,moderate,low}', d.risk_level::text), d.created_at DESC, d.id) AS place,
    row_number() OVER (PARTITION BY d.patient_id, d.evidence_kind, d.risk_level ORDER BY d.created_at DESC, d.id) AS recent
  FROM diagnostics_diagnosis d
  WHERE d.patient_id = ANY(%(patients)s::uuid[]) AND (d.risk_level <> '' OR d.status = 'refused')
)
SELECT r.patient_id, r.id, r.created_at, r.evidence_kind, u.media_type, r.risk_level, r.risk_reasons, r.red_flags,
  (SELECT coalesce(json_agg(json_build_array(m.name, p.label, p.outcome, p.confidence, p.probabilities, p.explanation)), '[]')
    FROM diagnostics_prediction p JOIN diagnostics_modelversion m ON m.id = p.model_version_id
    WHERE p.diagnosis_id = r.id AND p.attempt = r.attempt) AS answers,
  review.decision, review.label, review.risk_level
FROM result r JOIN diagnostics_upload u ON u.id = r.upload_id
LEFT JOIN LATERAL (
  SELECT v.decision, v.label, v.risk_level FROM diagnostics_review v
  WHERE v.diagnosis_id = r.id ORDER BY v.reviewed_at DESC, v.id DESC LIMIT 1) review ON r.judged
WHERE r.judged OR r.place <= %(most)s OR r.recent = 1
