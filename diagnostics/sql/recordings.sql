-- The second wall behind visible_to for recordings and the overrides of their beats, and their immutability.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['recording', 'beatoverride'] LOOP
    EXECUTE format('ALTER TABLE diagnostics_%s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE diagnostics_%s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_system ON diagnostics_%s USING ((SELECT cc_role() = ''system''))', name);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON diagnostics_%s'
      ' FOR EACH ROW EXECUTE FUNCTION cc_append_only()', name);
  END LOOP;
END $$;

CREATE POLICY of_own_patients ON diagnostics_recording FOR SELECT USING (
  (SELECT cc_role()) IN ('doctor', 'integration') AND EXISTS (SELECT 1 FROM diagnostics_diagnosis d WHERE d.id = diagnosis_id));
CREATE POLICY of_own_patients ON diagnostics_beatoverride USING (
  (SELECT cc_role()) = 'doctor' AND EXISTS (SELECT 1 FROM diagnostics_recording r WHERE r.diagnosis_id = recording_id));
-- Signals and lists of beats are compressed or hardly compressible.
ALTER TABLE diagnostics_recording ALTER COLUMN beat_heat SET STORAGE EXTERNAL;
