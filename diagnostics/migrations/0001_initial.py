from pathlib import Path

from accounts.database import run_sql
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('patients', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Prediction',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('attempt', models.PositiveSmallIntegerField()),
                ('outcome', models.CharField(choices=[('predicted', 'predicted'), ('abstained', 'abstained'), ('not_eligible', 'not eligible'), ('poor_input', 'poor input')], max_length=16)),
                ('label', models.CharField(blank=True, max_length=64)),
                ('confidence', models.FloatField(help_text='calibrated probability of the label, 0 to 1', null=True)),
                ('probabilities', models.JSONField(default=dict)),
                ('prediction_set', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None)),
                ('threshold', models.FloatField()),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('duration_ms', models.FloatField()),
                ('input_sha256', models.CharField(max_length=64)),
                ('code_version', models.CharField(max_length=64)),
                ('device', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['-created_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ModelVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('version', models.CharField(max_length=32)),
                ('weights_sha256', models.CharField(max_length=64)),
                ('contract', models.JSONField()),
                ('registered_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['name', '-registered_at'],
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveSmallIntegerField()),
                ('signed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('title', models.CharField(max_length=200)),
                ('body', models.TextField()),
                ('risk_level', models.CharField(choices=[('low', 'Low'), ('moderate', 'Moderate'), ('high', 'High')], max_length=8)),
            ],
            options={
                'ordering': ['-signed_at', '-version'],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reviewed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('decision', models.CharField(choices=[('confirm', 'Confirm'), ('override', 'Override')], max_length=8)),
                ('label', models.CharField(help_text='what the doctor found', max_length=64)),
                ('risk_level', models.CharField(choices=[('low', 'Low'), ('moderate', 'Moderate'), ('high', 'High')], max_length=8)),
                ('override_reason', models.CharField(blank=True, choices=[('wrong_label', 'The trace shows something else'), ('artefact', 'Artefact or noise misread'), ('clinical_context', 'The clinical picture says otherwise'), ('wrong_lead', 'Wrong lead or wrong recording'), ('not_answered', 'The model gave no answer'), ('other', 'Other (see comment)')], max_length=16)),
                ('comment', models.TextField(blank=True, max_length=2000)),
            ],
            options={
                'ordering': ['-reviewed_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('uploaded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('original_name', models.CharField(max_length=200)),
                ('media_type', models.CharField(max_length=64)),
                ('size', models.PositiveBigIntegerField(help_text='bytes')),
                ('sha256', models.CharField(max_length=64)),
                ('storage_name', models.CharField(max_length=200)),
            ],
            options={
                'ordering': ['-uploaded_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='WorkerNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('queues', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), default=list, size=None)),
                ('device', models.CharField(blank=True, max_length=200)),
                ('has_gpu', models.BooleanField(default=False)),
                ('last_seen', models.DateTimeField()),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Diagnosis',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('completed', 'Completed'), ('refused', 'Refused'), ('failed', 'Failed'), ('reviewed', 'Reviewed'), ('signed', 'Signed'), ('amended', 'Amended')], default='queued', max_length=16)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('reason_code', models.CharField(blank=True, max_length=64)),
                ('technical_detail', models.TextField(blank=True)),
                ('risk_level', models.CharField(blank=True, choices=[('low', 'Low'), ('moderate', 'Moderate'), ('high', 'High')], max_length=8)),
                ('risk_reasons', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('worker', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('queued_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='diagnoses', to='patients.patient')),
            ],
            options={
                'verbose_name_plural': 'diagnoses',
                'ordering': ['-created_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Heatmap',
            fields=[
                ('prediction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='heatmap', serialize=False, to='diagnostics.prediction')),
                ('png', models.BinaryField()),
            ],
        ),
        migrations.AddField(
            model_name='prediction',
            name='diagnosis',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='predictions', to='diagnostics.diagnosis'),
        ),
        migrations.AddField(
            model_name='prediction',
            name='model_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='predictions', to='diagnostics.modelversion'),
        ),
        migrations.AddConstraint(
            model_name='modelversion',
            constraint=models.UniqueConstraint(fields=('name', 'version', 'weights_sha256'), name='diagnostics_modelversion_once'),
        ),
        migrations.AddField(
            model_name='report',
            name='diagnosis',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='diagnostics.diagnosis'),
        ),
        migrations.AddField(
            model_name='report',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='report',
            name='signed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='review',
            name='diagnosis',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='diagnostics.diagnosis'),
        ),
        migrations.AddField(
            model_name='review',
            name='reviewer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='report',
            name='review',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='report', to='diagnostics.review'),
        ),
        migrations.AddField(
            model_name='upload',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='upload',
            name='uploaded_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='diagnosis',
            name='upload',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='diagnosis', to='diagnostics.upload'),
        ),
        migrations.AddConstraint(
            model_name='prediction',
            constraint=models.UniqueConstraint(fields=('diagnosis', 'model_version'), name='diagnostics_prediction_once'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision', 'confirm'), ('override_reason', '')), models.Q(('decision', 'override'), models.Q(('override_reason', ''), _negated=True)), _connector='OR'), name='diagnostics_review_override_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.UniqueConstraint(fields=('diagnosis', 'version'), name='diagnostics_report_version_once'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.UniqueConstraint(fields=('patient', 'sha256'), name='diagnostics_upload_once_per_patient'),
        ),
        migrations.AddIndex(
            model_name='diagnosis',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['status', 'queued_at'], name='diagnosis_open'),
        ),
        migrations.AddIndex(
            model_name='diagnosis',
            index=models.Index(fields=['patient', '-created_at'], name='diagnosis_of_patient'),
        ),
        migrations.AddConstraint(
            model_name='diagnosis',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'running', 'completed', 'refused', 'failed', 'reviewed', 'signed', 'amended'])), name='diagnosis_status_known'),
        ),
        run_sql(SQL / "row_level_security.sql"),
    ]
