-- A doctor's patients are found from the care team by its index, and each patient by the key: in the time of their number, whatever the
-- planner believes of tables that it has not analysed yet. Without it a plan for a few patients was kept for thousands (1.9 s for 10,000).
ALTER FUNCTION cc_patients() SET enable_seqscan = off;
