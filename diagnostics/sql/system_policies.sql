-- As a subselect the role is asked once, not per row, and the planner does not take it for a condition that hardly a row meets.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['upload', 'diagnosis', 'prediction', 'heatmap', 'review', 'report'] LOOP
    EXECUTE format('ALTER POLICY of_system ON diagnostics_%s USING ((SELECT cc_role() = ''system''))', name);
  END LOOP;
END $$;

ALTER POLICY provenance ON diagnostics_prediction USING ((SELECT cc_role() IN ('admin', 'auditor')));

-- A PNG is compressed already; PostgreSQL would try again at each insert, in vain.
ALTER TABLE diagnostics_heatmap ALTER COLUMN png SET STORAGE EXTERNAL;
