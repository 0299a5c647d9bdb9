-- As a subselect the role is asked once, not per row, and the planner does not take it for a condition that hardly a row meets.
ALTER POLICY team_system ON patients_careteammember USING ((SELECT cc_role() = 'system'));
ALTER POLICY patient_system ON patients_patient USING ((SELECT cc_role() = 'system'));
