-- The second wall around the condition library: signed-in people read it, administrators add versions in their own name, none changes.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['condition', 'conditionrevision'] LOOP
    EXECUTE format('ALTER TABLE diagnostics_%s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE diagnostics_%s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY of_system ON diagnostics_%s USING ((SELECT cc_role() = ''system''))', name);
    EXECUTE format('CREATE POLICY of_everybody ON diagnostics_%s FOR SELECT USING ((SELECT cc_role() <> ''''))', name);
  END LOOP;
END $$;
CREATE POLICY by_admin ON diagnostics_conditionrevision FOR INSERT WITH CHECK (
  (SELECT cc_role()) = 'admin' AND author_id = (SELECT cc_user()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON diagnostics_conditionrevision
  FOR EACH ROW EXECUTE FUNCTION cc_append_only();
